using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;

namespace Proxy.Core.Spend.Journal;

/// <summary>A segment file in memory: what is written here is the kernel's, and so outlives the process however it ends.</summary>
/// <remarks>
/// Why the unsafe code is sound. (1) Bounds: every access is checked against the mapped length, which is the file's; nobody shortens the
/// file, as its directory is locked and its owner never does. (2) Lifetime: the mapping goes only with the finaliser of its view, which
/// lives as long as this object; callers of <see cref="Bytes"/> keep this object alive (GC.KeepAlive) until they are done with the span.
/// There is no Dispose on purpose: a record that outlives the journal must never write into memory that is no longer mapped. (3) Room:
/// every block of the file was written before it was mapped (JournalSegment), so that a store never needs a new block, which on a full disk
/// is a SIGBUS. (4) Races: one owner at a time writes a slot; ownership passes through interlocked operations (FreeSlots, CompletedSlots).
/// </remarks>
internal sealed unsafe class JournalMapping
{
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly long _length;

    public JournalMapping(FileStream file, long length)
    {
        using MemoryMappedFile map = MemoryMappedFile.CreateFromFile(
            file, mapName: null, length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        _view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.ReadWrite);
        _start = (byte*)_view.SafeMemoryMappedViewHandle.DangerousGetHandle() + _view.PointerOffset;
        _length = length;
    }

    /// <summary>The caller must keep this object alive until it is done with the span.</summary>
    public Span<byte> Bytes(long offset, int length)
    {
        Check(offset, length);
        return new Span<byte>(_start + offset, length);
    }

    /// <summary>One store of eight bytes: after a kill either all or none of it is there.</summary>
    /// <param name="offset">A multiple of 8.</param>
    public void Store(long offset, ulong value)
    {
        Check(offset, sizeof(ulong));
        Volatile.Write(ref Unsafe.AsRef<ulong>(_start + offset), value);
        GC.KeepAlive(_view);
    }

    private void Check(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)offset, (ulong)(_length - length), nameof(offset));
    }
}
