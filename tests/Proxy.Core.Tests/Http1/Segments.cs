using System.Buffers;

namespace Proxy.Core.Tests.Http1;

/// <summary>Sequences of two segments.</summary>
internal static class Segments
{
    public static ReadOnlySequence<byte> Of(byte[] bytes, int cut)
    {
        Segment first = new(bytes.AsMemory(0, cut), 0);
        Segment second = new(bytes.AsMemory(cut), cut);
        first.Link(second);
        return new ReadOnlySequence<byte>(first, 0, second, bytes.Length - cut);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public void Link(Segment next) => Next = next;
    }
}
