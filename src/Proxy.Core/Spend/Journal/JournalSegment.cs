using System.Globalization;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// One file of slots. Its blocks are all written before it gets its name, so it is there whole or not at all, and no store into the mapping
/// ever needs room on the disk. (Where the file system itself writes elsewhere at each change, as btrfs does, nobody can promise that.)
/// </summary>
internal sealed class JournalSegment
{
    public const string Extension = ".seg";
    public const string UnfinishedExtension = ".new";

    private const int CopyLength = 65536;

    private readonly JournalMapping _mapping;

    private JournalSegment(string path, SegmentLayout layout, JournalMapping mapping)
    {
        Path = path;
        Layout = layout;
        _mapping = mapping;
    }

    public string Path { get; }

    public SegmentLayout Layout { get; }

    public static string NameOf(int number) => number.ToString("D5", CultureInfo.InvariantCulture) + Extension;

    /// <summary>A new segment with all slots free, readable by the owner only.</summary>
    /// <exception cref="IOException">No room, most likely; nothing is left behind.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory cannot be written.</exception>
    public static JournalSegment Create(string directory, int number, int slotCount)
    {
        SegmentLayout layout = new(SegmentLayout.DefaultSlotSize, slotCount);
        string path = System.IO.Path.Join(directory, NameOf(number));
        string unfinished = path + UnfinishedExtension;
        try
        {
            JournalMapping mapping = CreateFile(unfinished, number, layout);
            File.Move(unfinished, path);
            return new JournalSegment(path, layout, mapping);
        }
        catch
        {
            TryDelete(unfinished);
            throw;
        }
    }

    /// <summary>Opens a segment of an earlier run.</summary>
    /// <param name="defect">Why it cannot be used, when the result is null.</param>
    public static JournalSegment? Open(string path, int number, out string? defect)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            Span<byte> header = stackalloc byte[SegmentHeader.Length];
            int read = RandomAccess.Read(file.SafeFileHandle, header, fileOffset: 0);
            defect = SegmentHeader.FindDefect(header[..read], number, file.Length, out SegmentLayout layout);
            if (defect is not null)
            {
                return null;
            }

            ReadThrough(file);
            return new JournalSegment(path, layout, new JournalMapping(file, layout.FileLength));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            defect = fault.Message;
            return null;
        }
    }

    public void Delete() => TryDelete(Path);

    /// <summary>The bytes of a slot. The caller keeps the segment alive while it looks at them.</summary>
    public ReadOnlySpan<byte> Slot(int index) => _mapping.Bytes(Layout.SlotOffset(index), Layout.SlotSize);

    /// <summary>Where the image with this sequence stands. The caller keeps the segment alive while it writes.</summary>
    public Span<byte> Image(int index, ulong sequence) =>
        _mapping.Bytes(Layout.ImageOffset(index, (int)(sequence % 2)), Layout.ImageLength);

    public void StoreProgress(int index, ulong value) => _mapping.Store(Layout.SlotOffset(index), value);

    private static JournalMapping CreateFile(string path, int number, SegmentLayout layout)
    {
        // Preallocation fails at once where the disk has no room; but it only reserves, and does nothing where the file system cannot.
        using FileStream file = PrivateFiles.Open(path, FileMode.Create, FileShare.ReadWrite, preallocate: layout.FileLength);
        Span<byte> page = stackalloc byte[SegmentLayout.HeaderLength];
        SegmentHeader.Write(page, number, layout);
        file.Write(page);

        // A free slot is not a hole: it has an image that says so, and so a block.
        Span<byte> slot = stackalloc byte[layout.SlotSize];
        SlotImage.Write(slot.Slice(SegmentLayout.ProgressLength, layout.ImageLength), ImageKind.Freed, sequence: 0, record: null);
        for (int i = 0; i < layout.SlotCount; i++)
        {
            file.Write(slot);
        }

        file.Flush();
        return new JournalMapping(file, layout.FileLength);
    }

    /// <summary>A block that the disk cannot read is an error here; in the mapping it would be a SIGBUS.</summary>
    private static void ReadThrough(FileStream file)
    {
        byte[] buffer = new byte[CopyLength];
        for (long at = 0; at < file.Length; at += buffer.Length)
        {
            RandomAccess.Read(file.SafeFileHandle, buffer, at);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // It stays; an unfinished one is no segment, and an empty one says so at the next start.
        }
    }
}
