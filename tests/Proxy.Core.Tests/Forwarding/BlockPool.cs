using System.Buffers;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>A memory pool that, once warm, allocates nothing: the shared one makes an owner object per block.</summary>
internal sealed class BlockPool(int blockSize) : MemoryPool<byte>
{
    private readonly Stack<Block> _free = new();

    public override int MaxBufferSize => blockSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => _free.TryPop(out Block? block) ? block : new Block(this, blockSize);

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(BlockPool pool, int size) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = new byte[size];

        public void Dispose() => pool._free.Push(this);
    }
}
