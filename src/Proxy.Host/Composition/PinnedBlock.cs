using System.Buffers;
using System.Runtime.InteropServices;

namespace Proxy.Host.Composition;

/// <summary>One block of a <see cref="PinnedMemoryPool"/>. Owned by whoever rented it until it is disposed of.</summary>
internal sealed class PinnedBlock(PinnedMemoryPool pool) : IMemoryOwner<byte>
{
    private int _lent;

    public Memory<byte> Memory { get; } = MemoryMarshal.CreateFromPinnedArray(
        GC.AllocateUninitializedArray<byte>(PinnedMemoryPool.BlockSize, pinned: true), 0, PinnedMemoryPool.BlockSize);

    public void Lend() => _lent = 1;

    public void Dispose()
    {
        // A second Dispose must not put the block into the pool twice: two connections would then share it.
        if (Interlocked.Exchange(ref _lent, 0) == 1)
        {
            pool.Return(this);
        }
    }
}
