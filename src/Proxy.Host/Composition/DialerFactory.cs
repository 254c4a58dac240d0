using Proxy.Core.Upstream;

namespace Proxy.Host.Composition;

/// <summary>Makes the dialer of a pool.</summary>
internal static class DialerFactory
{
    public static UpstreamDialer Create(PoolKey key) => throw new NotImplementedException(key.Host);
}
