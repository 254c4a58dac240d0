using System.Buffers;

namespace Proxy.Host.Composition;

/// <summary>
/// Blocks of 32 KiB for Kestrel's pipes instead of its 4 KiB: a request head is then one segment, and a flush of 64 KiB is two or three and
/// not sixteen. Pinned for the socket calls. Thread-safe; the lock is held for a few instructions. A surplus over what is kept goes to the GC.
/// </summary>
internal sealed class PinnedMemoryPool : MemoryPool<byte>
{
    public const int BlockSize = 32 * 1024;

    /// <summary>64 MiB of free blocks: what a burst of connections leaves behind.</summary>
    private const int MaxKept = 2048;

    private readonly Lock _lock = new();
    private readonly Stack<PinnedBlock> _free = new(64);
    private bool _disposed;

    /// <summary>The pipe asks for more than this elsewhere.</summary>
    public override int MaxBufferSize => BlockSize;

    public int FreeCount
    {
        get
        {
            lock (_lock)
            {
                return _free.Count;
            }
        }
    }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        PinnedBlock? block;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _free.TryPop(out block);
        }

        block ??= new PinnedBlock(this);
        block.Lend();
        return block;
    }

    internal void Return(PinnedBlock block)
    {
        lock (_lock)
        {
            if (!_disposed && _free.Count < MaxKept)
            {
                _free.Push(block);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            _disposed = true;
            _free.Clear();
        }
    }
}
