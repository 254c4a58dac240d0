using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Fuzz.Targets;

/// <summary>What is accepted of an upstream can be written for the client, who reads the same status and framing and no field of the other hop.</summary>
internal static class ResponseHeadTarget
{
    private static readonly HeadLimits Roomy = HeadLimits.Response with { MaxHead = 128 * 1024, MaxFields = FieldTable.Capacity, MaxFieldLine = 128 * 1024 };

    public static void Run(ReadOnlySpan<byte> input)
    {
        byte[] bytes = input.ToArray();
        HeadScanner whole = default;
        HeadStatus end = whole.Scan(new ReadOnlySequence<byte>(bytes), HeadLimits.Response, isRequest: false);
        HeadSplit.AssertSame(bytes, whole, end, HeadLimits.Response, isRequest: false);
        if (end != HeadStatus.Complete)
        {
            return;
        }

        byte[] head = bytes.AsSpan(0, whole.HeadLength).ToArray();
        MethodId method = head[^3] % 2 == 0 ? MethodId.Post : MethodId.Head;
        ResponseHead parsed = new();
        if (parsed.Parse(head, method, HeadLimits.Response) != HeadError.None)
        {
            return;
        }

        byte[] written = new byte[head.Length + 256];
        int length = ResponseHeadWriter.Write(written, head, parsed, new OutboundResponse { Framing = parsed.Framing, ClientVersion = 11 });
        FindingException.ThrowUnless(length > 0, "an accepted head does not fit the room that a head is given");
        byte[] again = written.AsSpan(0, length).ToArray();
        HeadScanner scanner = default;
        end = scanner.Scan(new ReadOnlySequence<byte>(again), Roomy, isRequest: false);
        FindingException.ThrowUnless(end == HeadStatus.Complete && scanner.HeadLength == length, "what was written is not one head");
        ResponseHead reread = new();
        HeadError error = reread.Parse(again, method, Roomy);
        FindingException.ThrowUnless(error == HeadError.None, $"what was written is refused: {error}");
        FindingException.ThrowUnless(reread.Status == parsed.Status && reread.Framing == parsed.Framing, "another status or framing was written");
        FindingException.ThrowUnless(parsed.Framing != BodyFraming.Length || reread.ContentLength == parsed.ContentLength, "another length was written");
        foreach (FieldId hop in new[] { FieldId.Connection, FieldId.KeepAlive, FieldId.ProxyConnection, FieldId.ProxyAuthenticate, FieldId.Te, FieldId.Trailer, FieldId.Upgrade })
        {
            FindingException.ThrowUnless(reread.Fields.Find(hop) < 0, $"{hop} was written");
        }
    }
}
