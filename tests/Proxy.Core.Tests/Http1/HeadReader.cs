using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

/// <summary>Scans and parses a whole head, as a connection does.</summary>
internal static class HeadReader
{
    public static HeadError Request(string text, RequestHead parsed, out byte[] head)
    {
        head = Heads.Bytes(text);
        HeadError error = Scan(ref head, HeadLimits.Request, isRequest: true);
        return error != HeadError.None ? error : parsed.Parse(head, HeadLimits.Request);
    }

    public static HeadError Response(string text, ResponseHead parsed, MethodId method, out byte[] head)
    {
        head = Heads.Bytes(text);
        HeadError error = Scan(ref head, HeadLimits.Response, isRequest: false);
        return error != HeadError.None ? error : parsed.Parse(head, method, HeadLimits.Response);
    }

    private static HeadError Scan(ref byte[] head, HeadLimits limits, bool isRequest)
    {
        HeadScanner scanner = default;
        HeadStatus end = scanner.Scan(new ReadOnlySequence<byte>(head), limits, isRequest);
        Assert.NotEqual(HeadStatus.Incomplete, end);
        head = end == HeadStatus.Complete ? head[scanner.LeadingBytes..(scanner.LeadingBytes + scanner.HeadLength)] : head;
        return scanner.Error;
    }
}
