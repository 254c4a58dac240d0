using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Proxy.Fuzz;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Wire;

/// <summary>
/// Requests with random damage, over sockets, each with an honest request behind it: whatever it is, it is answered and ended in order, and what an upstream with
/// one strict reading receives is one message at a time, in our form, with one credential and never the gateway's key. Deterministic inputs.
/// </summary>
public sealed partial class MutatedRequestTests
{
    private const int Clients = 8;
    private const int Each = 1000;
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    private static readonly string[] Seeds =
    [
        "GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\n\r\n",
        "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a:1\r\nx-litellm-api-key: {key}\r\nContent-Length: 11\r\n\r\n{\"model\":1}",
        "POST /anthropic/v1/messages?beta=true HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-ant-oat01-x\r\nx-litellm-api-key: {key}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"mod\r\n6;a=b\r\nel\":1}\r\n0\r\n\r\n",
        "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nX-Api-Key: sk-ant-own\r\nx-litellm-api-key: {key}\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nTE: trailers\r\n\r\nA\r\n0123456789\r\n0\r\nx: y\r\n\r\n",
        "HEAD /anthropic/v1/models HTTP/1.0\r\nx-litellm-api-key: {key}\r\n\r\n",
        "POST http://x/anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: keep-alive, foo\r\nFoo: bar\r\nx-litellm-api-key: {key}\r\nContent-Length: 11\r\n\r\n{\"model\":1}",
        "DELETE /anthropic/v1/models/a%2Fb HTTP/1.1\r\nHost: [::1]:80\r\nx-litellm-api-key: {key}\r\nContent-Length: 2\r\n\r\n{}",
    ];

    private static readonly string[] Spices =
    [
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Content-Length: 3\r\n", "Content-Length: 0\r\n", "content_length: 5\r\n",
        "Connection: close, x-api-key, host, content-length\r\n", "Host: b\r\n", "X_Api_Key: z\r\n", "Proxy-Authorization: z\r\n", "Upgrade: h2c\r\n", "\tfolded\r\n",
        "%2e%2e%2f", "0\r\n\r\nGET /anthropic/v1/smuggled HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\n\r\n", "ffffffffffffffff\r\n", "1;\n\r\nx\r\n",
    ];

    private readonly ConcurrentBag<string> _wrong = [];
    private volatile string _key = "no request before this is known";
    private int _received;

    [Fact]
    public async Task Damaged_requests_are_answered_and_ended_in_order_and_nothing_but_whole_messages_leaves()
    {
        await using WireBench bench = await WireBench.StartAsync(
            limits => limits with { HeadTimeout = Short, RequestBodyTimeout = Short, KeepAliveTimeout = Short }, script: StrictAsync);
        _key = bench.Key;
        byte[][] corpus = [.. Seeds.Concat(Seeds).Concat(Seeds).Concat(Spices).Select(text => Encoding.Latin1.GetBytes(text.Replace("{key}", bench.Key, StringComparison.Ordinal)))];
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async client =>
        {
            Mutator mutator = new(corpus, seed: client);
            for (int i = 0; i < Each; i++)
            {
                await SendAsync(bench, mutator.Next(), nonce: $"{client}-{i}.", pieces: i % 3 == 0);
            }
        }));
        Assert.True(_wrong.IsEmpty, string.Join("\n", _wrong.Take(3)));

        // Enough of it was still a request.
        Assert.True(_received > Clients * Each / 20, $"{_received} received");
        await bench.NextIsServedAsync();
        Assert.DoesNotContain("inside the gateway", bench.Gateway.Logs, StringComparison.Ordinal);
    }

    private async Task SendAsync(WireBench bench, byte[] damaged, string nonce, bool pieces)
    {
        byte[] bytes = [.. damaged, .. Encoding.Latin1.GetBytes(bench.Get("x-nonce: " + nonce, "Connection: close"))];
        await using RawClient client = await bench.Gateway.ConnectAsync();
        try
        {
            int size = pieces ? 23 : bytes.Length;
            for (int at = 0; at < bytes.Length; at += size)
            {
                await client.SendAsync(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
            }

            string answers = Encoding.Latin1.GetString(await client.ReceiveAllAsync().WaitAsync(TimeSpan.FromSeconds(60)));
            foreach (Match answered in Nonce().Matches(answers))
            {
                Check(answered.Groups[1].Value == nonce || !answered.Groups[1].Value.EndsWith('.'), "another's answer", damaged);
            }

            Check(answers.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), "no answer", damaged);
        }
        catch (Exception fault) when (fault is IOException or TimeoutException)
        {
            Check(false, fault.Message, damaged);
        }
    }

    /// <summary>Reads as strictly as the RFCs allow, and answers each request with its nonce.</summary>
    private async Task StrictAsync(UpstreamPeer peer)
    {
        while (true)
        {
            string head = await peer.ReadHeadAsync();
            Interlocked.Increment(ref _received);
            Check(Head().IsMatch(head), "a head that is not in our form", head);
            string[] names = [.. head.Split("\r\n")[1..^2].Select(line => line[..Math.Max(0, line.IndexOf(':'))].ToLowerInvariant())];
            Check(names.Count(name => name == "host") == 1, "not one host", head);
            Check(names.Count(name => name is "x-api-key" or "authorization") == 1, "not one credential", head);
            Check(names.Count(name => name is "content-length" or "transfer-encoding") <= 1, "more than one framing", head);
            Check(!names.Any(name => name is "x-litellm-api-key" or "te" or "trailer" or "upgrade" or "connection" or "proxy-authorization" or "x_api_key" or "content_length"), "a field that is not for it", head);
            Check(!head.Contains(_key, StringComparison.Ordinal), "the key", head);
            if (UpstreamPeer.FieldOf(head, "content-length") is { } length)
            {
                _ = await peer.ReadAsync(int.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture));
            }
            else if (UpstreamPeer.FieldOf(head, "transfer-encoding") is { } coding)
            {
                Check(coding == "chunked", "another coding", head);
                await ReadChunksAsync(peer);
            }

            await peer.SendAsync(RawUpstream.Ok(UpstreamPeer.FieldOf(head, "x-nonce") ?? "none", isHead: head.StartsWith("HEAD ", StringComparison.Ordinal)));
        }
    }

    private async Task ReadChunksAsync(UpstreamPeer peer)
    {
        int size;
        do
        {
            string line = await peer.ReadThroughAsync("\r\n");
            if (!ChunkLine().IsMatch(line))
            {
                Check(false, "a chunk line that is not in our form", line);
                return;
            }

            size = int.Parse(line.AsSpan(0, line.Length - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            _ = await peer.ReadAsync(size);
            string end = await peer.ReadAsync(2);
            Check(end == "\r\n", "a chunk that does not end, or a trailer", end);
        }
        while (size > 0);
    }

    private void Check(bool holds, string what, byte[] input) => Check(holds, what, Encoding.Latin1.GetString(input));

    private void Check(bool holds, string what, string input)
    {
        if (!holds)
        {
            _wrong.Add($"{what}: {input}");
        }
    }

    [GeneratedRegex(@"\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+ /(?!/)[\x21-\x7e]* HTTP/1\.1\r\n([!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n\z")]
    private static partial Regex Head();

    [GeneratedRegex(@"\A[0-9a-fA-F]{1,7}\r\n\z")]
    private static partial Regex ChunkLine();

    [GeneratedRegex("\\{\"nonce\":\"([^\"]*)\"\\}")]
    private static partial Regex Nonce();
}
