namespace Proxy.Core.Metering.Journal;

/// <summary>
/// Where what is in a segment file: a header of 4 kB, then slots. A slot is 64 bytes that begin with the progress word, then two images of equal
/// size, written in turn. Part of the file format.
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
