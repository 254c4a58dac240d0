using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Fuzz.Targets;

/// <summary>A head that arrives in two pieces, or over two segments, is found like one that arrives whole.</summary>
internal static class HeadSplit
{
    public static void AssertSame(byte[] bytes, in HeadScanner whole, HeadStatus end, HeadLimits limits, bool isRequest)
    {
        // Where it is cut is taken from the input itself, so that a fuzzer can steer it.
        int cut = bytes.Length == 0 ? 0 : (bytes[^1] * 7) % bytes.Length;
        HeadScanner grown = default;
        HeadStatus early = grown.Scan(new ReadOnlySequence<byte>(bytes, 0, cut), limits, isRequest);
        if (early == HeadStatus.Incomplete)
        {
            early = grown.Scan(new ReadOnlySequence<byte>(bytes), limits, isRequest);
        }

        FindingException.ThrowUnless(early == end, $"in two pieces the head is {early}, whole it is {end}");
        FindingException.ThrowUnless(
            end != HeadStatus.Complete || (grown.LeadingBytes == whole.LeadingBytes && grown.HeadLength == whole.HeadLength), "in two pieces the head ends elsewhere");
    }
}
