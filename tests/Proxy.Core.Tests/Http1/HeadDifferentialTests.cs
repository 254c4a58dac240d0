using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

/// <summary>Whatever is served here, another strict server reads the same way: the same method, target and fields.</summary>
public sealed class HeadDifferentialTests
{
    private const int Cases = 40_000;

    private static readonly byte[][] Seeds =
    [
        Heads.Bytes(Heads.ClaudeCode),
        Heads.Bytes(Heads.Get("Accept: */*", "X: \u0080\u00ff", "Connection: close, X", "Empty:")),
        Heads.Bytes(Heads.Post("Transfer-Encoding: chunked", "Expect: 100-continue", "TE: trailers")),
        Heads.Bytes("GET http://b:80/a%2Fb?c=%7E HTTP/1.1\r\nHost: a:80\r\nA:b\r\nB:\t c \t\r\n\r\n"),
        Heads.Bytes("DELETE /v1/files/x HTTP/1.0\r\nContent-Length: 0\r\n\r\n"),
    ];

    // What tells parsers apart, more often than any byte at random.
    private static readonly string[] Tokens =
        ["\r\n", "\n", "\r", " ", "\t", ":", "\0", "/", "?", "%", "%00", "\"", "\u0080", ",", "_", "\r\n ", "\r\n\r\n", "HTTP/1.1", "Host: b\r\n",
            "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "chunked", "@", "#", "*", "\u007f"];

    [Fact]
    public void What_is_accepted_here_reads_the_same_in_Kestrel()
    {
        Random random = new(20261123);
        RequestHead parsed = new();
        int accepted = 0;
        int changed = 0;
        for (int i = 0; i < Cases; i++)
        {
            byte[] input = Mutate(Seeds[random.Next(Seeds.Length)], random);
            HeadScanner scanner = default;
            if (scanner.Scan(new ReadOnlySequence<byte>(input), HeadLimits.Request, isRequest: true) != HeadStatus.Complete)
            {
                continue;
            }

            byte[] head = input.AsSpan(scanner.LeadingBytes, scanner.HeadLength).ToArray();
            if (parsed.Parse(head, HeadLimits.Request) != HeadError.None)
            {
                continue;
            }

            accepted++;
            changed += Seeds.Any(seed => seed.AsSpan().SequenceEqual(head)) ? 0 : 1;
            Assert.Equal(Describe(head, parsed), KestrelReading.Of(head));
        }

        // Enough survive the mutation to mean something.
        Assert.InRange(accepted, Cases / 10, Cases);
        Assert.InRange(changed, Cases / 20, Cases);
    }

    [Fact]
    public void Every_head_of_the_table_of_accepted_ones_reads_the_same_in_Kestrel()
    {
        RequestHead parsed = new();
        foreach ((string row, string text, AcceptedHead _) in new AcceptedHeads().Select(row => row.Data))
        {
            HeadReader.Request(text, parsed, out byte[] head);
            Assert.True(Describe(head, parsed) == KestrelReading.Of(head), row);
        }
    }

    private static string Describe(byte[] head, RequestHead parsed)
    {
        StringWriter text = new() { NewLine = "\n" };
        text.WriteLine($"{Heads.Text(parsed.MethodToken.Of(head))} {Heads.Text(parsed.Target.Of(head))} {parsed.Version}");
        for (int i = 0; i < parsed.Fields.Count; i++)
        {
            text.WriteLine($"{Heads.Text(parsed.Fields[i].Name.Of(head))}|{Heads.Text(parsed.Fields[i].Value.Of(head))}");
        }

        return text.ToString();
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        List<byte> bytes = [.. seed];
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, bytes[random.Next(bytes.Count)]);
                    break;
                case 3:
                    bytes.InsertRange(at, Heads.Bytes(Tokens[random.Next(Tokens.Length)]));
                    break;
                default:
                    bytes[at] = (byte)(bytes[at] ^ 0x20);
                    break;
            }
        }

        return [.. bytes];
    }
}
