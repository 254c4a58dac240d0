using Proxy.Core.Upstream;

namespace Proxy.Host.Composition;

/// <summary>
/// The upstream pools in use. Reloads and the housekeeping timer come from different threads, so all of it is behind one lock; the data
/// path
/// holds its pools directly and never comes here.
/// </summary>
internal sealed class PoolSet(Func<PoolKey, TimeProvider, UpstreamDialer> dialers, TimeProvider time) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PoolKey, UpstreamPool> _pools = [];

    /// <summary>The pool of this key: the one there is, or a new one.</summary>
    public UpstreamPool Get(PoolKey key, UpstreamEndpoint endpoint)
    {
        lock (_lock)
        {
            if (!_pools.TryGetValue(key, out UpstreamPool? pool))
            {
                pool = new UpstreamPool(endpoint, dialers(key, time), key.Options, time);
                _pools.Add(key, pool);
            }

            return pool;
        }
    }

    /// <summary>
    /// Closes the pools that no route uses any more. Requests under way may still hold one: a closed pool dials for them, and cuts what
    /// they
    /// return.
    /// </summary>
    public async Task KeepOnlyAsync(IReadOnlySet<PoolKey> used)
    {
        List<UpstreamPool> closing = [];
        lock (_lock)
        {
            foreach (PoolKey key in _pools.Keys.Where(key => !used.Contains(key)).ToList())
            {
                closing.Add(_pools[key]);
                _pools.Remove(key);
            }
        }

        foreach (UpstreamPool pool in closing)
        {
            await pool.DisposeAsync();
        }
    }

    /// <summary>Drops idle connections that died or aged.</summary>
    public void Scavenge()
    {
        lock (_lock)
        {
            foreach (UpstreamPool pool in _pools.Values)
            {
                pool.Scavenge();
            }
        }
    }

    public async ValueTask DisposeAsync() => await KeepOnlyAsync(new HashSet<PoolKey>());
}
