namespace Proxy.Core.Upstream;

/// <summary>Makes connections. Implementations run off the I/O threads: name resolution, connect and handshake may take long.</summary>
public abstract class UpstreamDialer
{
    /// <exception cref="UpstreamException">Resolution, connect, TLS or one of their deadlines failed.</exception>
    public abstract Task<UpstreamConnection> DialAsync(UpstreamEndpoint endpoint, CancellationToken cancellationToken);
}
