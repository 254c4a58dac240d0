using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Fuzz.Targets;

/// <summary>A chunked body means the same however it arrives, and what is relayed of it is a chunked body with the same data and nothing else.</summary>
internal static class ChunkTarget
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        Reading whole = Read(input, input.Length);
        Reading split = Read(input, 1 + (input.Length == 0 ? 0 : input[^1] % 7));
        FindingException.ThrowUnless(
            whole.Error == split.Error && whole.IsComplete == split.IsComplete && whole.Data.AsSpan().SequenceEqual(split.Data) && whole.Relayed.AsSpan().SequenceEqual(split.Relayed),
            "in pieces the body means something else");
        if (!whole.IsComplete)
        {
            return;
        }

        Reading again = Read(whole.Relayed, whole.Relayed.Length);
        FindingException.ThrowUnless(again.IsComplete && again.Consumed == whole.Relayed.Length, "what is relayed is not one body");
        FindingException.ThrowUnless(again.Data.AsSpan().SequenceEqual(whole.Data), "what is relayed is another body");
        FindingException.ThrowUnless(again.Relayed.AsSpan().SequenceEqual(whole.Relayed), "what is relayed holds an extension or a trailer");
    }

    private static Reading Read(ReadOnlySpan<byte> input, int size)
    {
        ArrayBufferWriter<byte> data = new();
        ArrayBufferWriter<byte> relayed = new();
        ChunkScanner scanner = default;
        int consumed = 0;
        while (consumed < input.Length && !scanner.IsComplete)
        {
            ReadOnlySpan<byte> piece = input.Slice(consumed, Math.Min(size, input.Length - consumed));
            ChunkPart part = scanner.Next(piece, out int length);
            if (part is ChunkPart.Invalid)
            {
                break;
            }

            FindingException.ThrowUnless(length > 0 && length <= piece.Length, "no progress, or more than there is");
            if (part == ChunkPart.Data)
            {
                data.Write(piece[..length]);
            }

            if (part is ChunkPart.Data or ChunkPart.Framing)
            {
                relayed.Write(piece[..length]);
            }

            consumed += length;
        }

        // What was relayed before a fault depends on where the pieces end: only what it means must not.
        byte[] relayedBytes = scanner.Error == ChunkError.None ? relayed.WrittenSpan.ToArray() : [];
        return new Reading(data.WrittenSpan.ToArray(), relayedBytes, consumed, scanner.Error, scanner.IsComplete);
    }

    private sealed record Reading(byte[] Data, byte[] Relayed, int Consumed, ChunkError Error, bool IsComplete);
}
