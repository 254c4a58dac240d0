using Proxy.Core.Upstream;
using Proxy.Host.Configuration;

namespace Proxy.Host.Composition;

/// <summary>What makes two routes' connections interchangeable; a reload that keeps all of it keeps the connections.</summary>
internal sealed record PoolKey(
    string Host,
    int Port,
    bool UseTls,
    string? ExtraCaFile,
    TimeSpan ConnectTimeout,
    TimeSpan TlsTimeout,
    TimeSpan NameLifetime,
    UpstreamPoolOptions Options)
{
    public static PoolKey Of(RouteConfiguration route, GatewayConfiguration configuration) => new(
        route.Upstream.Host,
        route.Upstream.Port,
        route.Upstream.UseTls,
        route.ExtraCaFile,
        configuration.ConnectTimeout,
        configuration.TlsTimeout,
        configuration.NameLifetime,
        configuration.Pool);
}
