using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Proxy.Host.Composition;

/// <summary>Registered after Kestrel's own, so that its transport takes this one.</summary>
internal sealed class PinnedMemoryPoolFactory : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new PinnedMemoryPool();
}
