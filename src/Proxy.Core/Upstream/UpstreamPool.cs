namespace Proxy.Core.Upstream;

/// <summary>
/// Idle connections to one upstream, newest first, and the making of new ones. Thread-safe. A connection on which anything can be read
/// while it is idle is dead (RFC 9112 §9.5, http-rules.md row 54) and is never handed out.
/// </summary>
public sealed class UpstreamPool : IAsyncDisposable
{
    public UpstreamPool(UpstreamEndpoint endpoint, UpstreamDialer dialer, UpstreamPoolOptions options, TimeProvider time) => throw new NotImplementedException();

    public UpstreamEndpoint Endpoint => throw new NotImplementedException();

    /// <summary>Takes the most recently used healthy idle connection. Never blocks, never allocates.</summary>
    public bool TryRent(out UpstreamConnection? connection) => throw new NotImplementedException();

    /// <summary>Dials a new connection; waits for a place when too many handshakes are under way.</summary>
    /// <exception cref="UpstreamException"/>
    public Task<UpstreamConnection> DialAsync() => throw new NotImplementedException();

    /// <summary>
    /// Takes back a connection whose request was wholly sent and whose response ended exactly at its framing with nothing surplus
    /// (http-rules.md §1.4); it is kept, or cut when too old or too many.
    /// </summary>
    public void Return(UpstreamConnection connection) => throw new NotImplementedException();

    /// <summary>Idle connections now; for metrics.</summary>
    public int IdleCount => throw new NotImplementedException();

    /// <summary>Drops idle connections that died, aged or idled out. Called by the coarse timer.</summary>
    public void Scavenge() => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
