using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Fuzz.Targets;

/// <summary>
/// A head is found at the same place however it arrives; what is accepted can be written for the upstream, and what was written is accepted with the
/// same method, path and framing, has one Host and no field that is for this hop only.
/// </summary>
internal static class RequestHeadTarget
{
    private static readonly byte[] Authority = "api.anthropic.com"u8.ToArray();

    public static void Run(ReadOnlySpan<byte> input)
    {
        byte[] bytes = input.ToArray();
        HeadScanner whole = default;
        HeadStatus end = whole.Scan(new ReadOnlySequence<byte>(bytes), HeadLimits.Request, isRequest: true);
        HeadSplit.AssertSame(bytes, whole, end, HeadLimits.Request, isRequest: true);
        if (end != HeadStatus.Complete)
        {
            return;
        }

        byte[] head = bytes.AsSpan(whole.LeadingBytes, whole.HeadLength).ToArray();
        RequestHead parsed = new();
        if (parsed.Parse(head, HeadLimits.Request) != HeadError.None)
        {
            return;
        }

        byte[] written = new byte[head.Length + 512];
        int length = RequestHeadWriter.Write(written, head, parsed, new OutboundRequest { Path = parsed.Path.Of(head), Query = parsed.Query.Of(head), Authority = Authority });
        FindingException.ThrowUnless(length > 0, "an accepted head does not fit the room that a head is given");
        byte[] again = written.AsSpan(0, length).ToArray();

        HeadScanner scanner = default;
        end = scanner.Scan(new ReadOnlySequence<byte>(again), Roomy, isRequest: true);
        FindingException.ThrowUnless(end == HeadStatus.Complete && scanner.LeadingBytes == 0 && scanner.HeadLength == length, "what was written is not one head");
        RequestHead reread = new();
        HeadError error = reread.Parse(again, Roomy);
        FindingException.ThrowUnless(error == HeadError.None, $"what was written is refused: {error}");
        FindingException.ThrowUnless(reread.MethodToken.Of(again).SequenceEqual(parsed.MethodToken.Of(head)), "another method was written");
        ReadOnlySpan<byte> path = parsed.Path.Of(head);
        FindingException.ThrowUnless(reread.Path.Of(again).SequenceEqual(path.IsEmpty ? "/"u8 : path), "another path was written");
        FindingException.ThrowUnless(reread.Query.Of(again).SequenceEqual(parsed.Query.Of(head)), "another query was written");
        FindingException.ThrowUnless(reread.Framing == parsed.Framing && reread.ContentLength == parsed.ContentLength, "another framing was written");
        FindingException.ThrowUnless(reread.Fields[reread.Fields.Find(FieldId.Host)].Value.Of(again).SequenceEqual(Authority), "another host was written");
        foreach (FieldId hop in new[] { FieldId.Connection, FieldId.KeepAlive, FieldId.ProxyConnection, FieldId.ProxyAuthorization, FieldId.Te, FieldId.Trailer, FieldId.Upgrade,
            FieldId.Http2Settings, FieldId.GatewayKey, FieldId.GatewayPrivate, FieldId.Authorization, FieldId.ApiKey, FieldId.Forwarding })
        {
            FindingException.ThrowUnless(reread.Fields.Find(hop) < 0, $"{hop} was written");
        }
    }

    private static readonly HeadLimits Roomy = HeadLimits.Request with { MaxHead = 64 * 1024, MaxFields = FieldTable.Capacity };
}
