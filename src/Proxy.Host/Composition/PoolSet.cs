using Proxy.Core.Upstream;

namespace Proxy.Host.Composition;

/// <summary>
/// The upstream pools in use, and the retired ones whose exchanges may still be under way. Reloads and the housekeeping timer come from
/// different threads, so all of it is behind one lock; the data path holds its pools directly and never comes here.
/// </summary>
internal sealed class PoolSet(Func<PoolKey, UpstreamDialer> dialers, TimeProvider time) : IAsyncDisposable
{
    // A request that began with the old snapshot may still rent or dial: a retired pool stays open at least this long.
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<PoolKey, UpstreamPool> _pools = [];
    private readonly List<(UpstreamPool Pool, long Since)> _retired = [];

    /// <summary>The pool of this key: the one there is, or a new one.</summary>
    public UpstreamPool Get(PoolKey key, UpstreamEndpoint endpoint)
    {
        lock (_lock)
        {
            if (!_pools.TryGetValue(key, out UpstreamPool? pool))
            {
                pool = new UpstreamPool(endpoint, dialers(key), key.Options, time);
                _pools.Add(key, pool);
            }

            return pool;
        }
    }

    /// <summary>Retires the pools that no route uses any more.</summary>
    public void KeepOnly(IReadOnlySet<PoolKey> used)
    {
        lock (_lock)
        {
            foreach (PoolKey key in _pools.Keys.Where(key => !used.Contains(key)).ToList())
            {
                _retired.Add((_pools[key], time.GetTimestamp()));
                _pools.Remove(key);
            }
        }
    }

    /// <summary>Housekeeping: idle connections that died or aged are dropped, retired pools without any are closed after their grace.</summary>
    public async Task ScavengeAsync()
    {
        List<UpstreamPool> closing = [];
        lock (_lock)
        {
            foreach (UpstreamPool pool in _pools.Values)
            {
                pool.Scavenge();
            }

            for (int i = _retired.Count - 1; i >= 0; i--)
            {
                (UpstreamPool pool, long since) = _retired[i];
                pool.Scavenge();
                if (pool.IdleCount == 0 && time.GetElapsedTime(since) >= Grace)
                {
                    closing.Add(pool);
                    _retired.RemoveAt(i);
                }
            }
        }

        foreach (UpstreamPool pool in closing)
        {
            await pool.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<UpstreamPool> closing;
        lock (_lock)
        {
            closing = [.. _pools.Values, .. _retired.Select(entry => entry.Pool)];
            _pools.Clear();
            _retired.Clear();
        }

        foreach (UpstreamPool pool in closing)
        {
            await pool.DisposeAsync();
        }
    }
}
