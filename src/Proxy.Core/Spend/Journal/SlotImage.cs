using System.Buffers.Binary;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// One of a slot's two images: 32-bit CRC32C of what follows, 16-bit length of the payload, kind, a zero, 64-bit sequence, payload.
/// Sequence n stands in image n mod 2, so that writing one leaves the one before it whole. An image counts only when its checksum is right;
/// of two, the later one. So no order of stores matters, and a kill in the middle of a write loses that write alone.
/// </summary>
internal readonly ref struct SlotImage
{
    public const int HeaderLength = 16;

    private SlotImage(ImageKind kind, ulong sequence, ReadOnlySpan<byte> payload)
    {
        Kind = kind;
        Sequence = sequence;
        Payload = payload;
    }

    public ImageKind Kind { get; }

    public ulong Sequence { get; }

    public ReadOnlySpan<byte> Payload { get; }

    /// <param name="image">All of the image's place in the slot.</param>
    /// <param name="record">Null for <see cref="ImageKind.Freed"/>.</param>
    public static void Write(Span<byte> image, ImageKind kind, ulong sequence, SpendRecord? record)
    {
        int length = record is null ? 0 : RecordImage.Write(image[HeaderLength..], record);
        BinaryPrimitives.WriteUInt16LittleEndian(image[4..], (ushort)length);
        image[6] = (byte)kind;
        image[7] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(image[8..], sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(image, Crc32C.Of(image[4..(HeaderLength + length)]));
    }

    /// <summary>The latest whole image of a slot; false when both are damaged.</summary>
    public static bool TryReadLatest(ReadOnlySpan<byte> slot, SegmentLayout layout, out SlotImage latest)
    {
        ReadOnlySpan<byte> images = slot[SegmentLayout.ProgressLength..];
        bool hasEven = TryRead(images[..layout.ImageLength], parity: 0, out SlotImage even);
        bool hasOdd = TryRead(images.Slice(layout.ImageLength, layout.ImageLength), parity: 1, out SlotImage odd);
        latest = hasEven && (!hasOdd || even.Sequence > odd.Sequence) ? even : odd;
        return hasEven || hasOdd;
    }

    /// <param name="parity">Of the sequences that may stand here.</param>
    public static bool TryRead(ReadOnlySpan<byte> image, ulong parity, out SlotImage read)
    {
        read = default;
        if (image.Length < HeaderLength)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(image[4..]);
        if (length > image.Length - HeaderLength
            || BinaryPrimitives.ReadUInt32LittleEndian(image) != Crc32C.Of(image[4..(HeaderLength + length)]))
        {
            return false;
        }

        read = new SlotImage((ImageKind)image[6], BinaryPrimitives.ReadUInt64LittleEndian(image[8..]), image.Slice(HeaderLength, length));
        return read.Sequence % 2 == parity;
    }
}

/// <summary>What an earlier run left in a slot.</summary>
internal enum SlotFinding : byte
{
    Empty = 0,

    /// <summary>A record as its exchange completed it.</summary>
    Finished,

    /// <summary>A record of an exchange that never came to its end.</summary>
    Interrupted,

    /// <summary>Neither image is whole: whatever it was is lost.</summary>
    Damaged,
}
