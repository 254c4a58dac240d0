using System.Buffers;
using Proxy.Host.Composition;

namespace Proxy.Host.Tests.Host;

public sealed class PinnedMemoryPoolTests
{
    [Fact]
    public void A_returned_block_is_lent_again_and_never_to_two()
    {
        using PinnedMemoryPool pool = new();
        IMemoryOwner<byte> first = pool.Rent(4096);
        Assert.Equal(PinnedMemoryPool.BlockSize, first.Memory.Length);
        first.Dispose();
        first.Dispose();
        Assert.Equal(1, pool.FreeCount);
        Assert.Same(first, pool.Rent());
        Assert.NotSame(first, pool.Rent());
    }

    [Fact]
    public void More_than_a_block_is_refused()
    {
        using PinnedMemoryPool pool = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(pool.MaxBufferSize + 1));
    }
}
