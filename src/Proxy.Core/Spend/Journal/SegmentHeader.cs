using System.Buffers.Binary;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// The first bytes of a segment file, little-endian: 8 magic, then 32-bit version, slot size, slot count, segment number and the CRC32C of
/// the bytes before it.
/// </summary>
internal static class SegmentHeader
{
    public const int Length = 28;

    /// <summary>Of the layout of segments, slots and images.</summary>
    private const uint LayoutVersion = 2;

    /// <summary>Images of another layout, or of other columns, are not read.</summary>
    private static readonly int Version = (int)(SpendColumns.Fingerprint ^ LayoutVersion);

    private static ReadOnlySpan<byte> Magic => "TOLLWAYJ"u8;

    public static void Write(Span<byte> header, int number, SegmentLayout layout)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], layout.SlotSize);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], layout.SlotCount);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], number);
        BinaryPrimitives.WriteUInt32LittleEndian(header[24..], Crc32C.Of(header[..24]));
    }

    /// <param name="number">What the file's name says.</param>
    /// <param name="layout">Only when there is no defect.</param>
    /// <returns>Why the file cannot be used, or null.</returns>
    public static string? FindDefect(ReadOnlySpan<byte> header, int number, long fileLength, out SegmentLayout layout)
    {
        layout = default;
        if (header.Length < Length || !header.StartsWith(Magic))
        {
            return "it is not a journal segment";
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        if (version != Version)
        {
            return $"its version is {version}, not {Version}";
        }

        SegmentLayout found = new(
            BinaryPrimitives.ReadInt32LittleEndian(header[12..]), BinaryPrimitives.ReadInt32LittleEndian(header[16..]));
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[24..]) != Crc32C.Of(header[..24])
            || found.SlotSize is < 1024 or > 65536 || found.SlotSize % 64 != 0 || found.SlotCount is < 1 or > SpendJournalOptions.MostSlots)
        {
            return "its header is damaged";
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(header[20..]) is int written && written != number)
        {
            return $"it is segment {written} under another name";
        }

        if (fileLength != found.FileLength)
        {
            return $"it has {fileLength} bytes instead of {found.FileLength}";
        }

        layout = found;
        return null;
    }
}

/// <summary>
/// Where what is in a segment file: a header of 4 kB, then slots. A slot is 64 bytes that begin with the progress word, then two images of
/// equal size, written in turn. Part of the file format.
/// </summary>
/// <param name="SlotSize">Bytes.</param>
internal readonly record struct SegmentLayout(int SlotSize, int SlotCount)
{
    public const int HeaderLength = 4096;
    public const int DefaultSlotSize = 4096;
    public const int ProgressLength = 64;

    public int ImageLength => (SlotSize - ProgressLength) / 2;

    public long FileLength => HeaderLength + ((long)SlotSize * SlotCount);

    public long SlotOffset(int slot) => HeaderLength + ((long)SlotSize * slot);

    /// <param name="image">0 or 1.</param>
    public long ImageOffset(int slot, int image) => SlotOffset(slot) + ProgressLength + (image * ImageLength);
}
