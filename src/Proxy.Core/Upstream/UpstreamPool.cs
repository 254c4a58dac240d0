using Proxy.Core.Outcomes;

namespace Proxy.Core.Upstream;

/// <summary>
/// Idle connections to one upstream, newest first, and the making of new ones. Thread-safe. A connection on which anything can be read
/// while it is idle is dead (RFC 9112 §9.5, http-rules.md row 54) and is never handed out.
/// </summary>
public sealed class UpstreamPool : IAsyncDisposable
{
    private readonly UpstreamDialer _dialer;
    private readonly UpstreamPoolOptions _options;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _dials;
    private readonly Lock _gate = new();
    private UpstreamConnection?[] _idle = new UpstreamConnection?[16];
    private int _count;
    private bool _disposed;

    public UpstreamPool(UpstreamEndpoint endpoint, UpstreamDialer dialer, UpstreamPoolOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        Endpoint = endpoint;
        _dialer = dialer;
        _options = options;
        _time = time;
        _dials = new SemaphoreSlim(options.MaxConcurrentDials);
    }

    public UpstreamEndpoint Endpoint { get; }

    /// <summary>Idle connections now; for metrics.</summary>
    public int IdleCount => Volatile.Read(ref _count);

    /// <summary>Takes the most recently used healthy idle connection. Never blocks, never allocates.</summary>
    public bool TryRent(out UpstreamConnection? connection)
    {
        long now = _time.GetTimestamp();
        while (TryPop(out connection))
        {
            if (IsFit(connection!, now))
            {
                connection!.IsReused = true;
                return true;
            }

            connection!.Abort();
        }

        return false;
    }

    /// <summary>Dials a new connection; waits for a place, but not for ever, when too many handshakes are under way.</summary>
    /// <exception cref="UpstreamException"/>
    public async Task<UpstreamConnection> DialAsync()
    {
        if (!await _dials.WaitAsync(_options.DialQueueTimeout))
        {
            throw new UpstreamException(
                ForwardFailure.UpstreamConnectTimeout, $"{Endpoint.Host}:{Endpoint.Port}: too many connections are being opened");
        }

        try
        {
            UpstreamConnection connection = await _dialer.DialAsync(Endpoint, CancellationToken.None);
            connection.CreatedAt = _time.GetTimestamp();
            return connection;
        }
        finally
        {
            _dials.Release();
        }
    }

    /// <summary>
    /// Takes back a connection whose request was wholly sent and whose response ended exactly at its framing with nothing surplus
    /// (http-rules.md §1.4); it is kept, or cut when too old or too many.
    /// </summary>
    public void Return(UpstreamConnection connection)
    {
        long now = _time.GetTimestamp();
        connection.IdleSince = now;
        connection.BeginIdle();
        if (!IsFit(connection, now) || !TryPush(connection))
        {
            connection.Abort();
        }
    }

    /// <summary>Drops idle connections that died, aged or idled out. Called by the coarse timer.</summary>
    public void Scavenge()
    {
        long now = _time.GetTimestamp();
        List<UpstreamConnection>? unfit = null;
        lock (_gate)
        {
            int kept = 0;
            for (int i = 0; i < _count; i++)
            {
                UpstreamConnection connection = _idle[i]!;
                _idle[i] = null;
                if (IsFit(connection, now))
                {
                    _idle[kept++] = connection;
                }
                else
                {
                    (unfit ??= []).Add(connection);
                }
            }

            _count = kept;
        }

        // Outside: closing is a system call each, and requests wait for the lock.
        foreach (UpstreamConnection connection in unfit ?? [])
        {
            connection.Abort();
        }
    }

    /// <summary>
    /// Cuts idle connections. Requests that began with an older snapshot may still dial and return: their connections are cut when they
    /// come back.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_count > 0)
            {
                _idle[--_count]!.Abort();
                _idle[_count] = null;
            }
        }

        return default;
    }

    private bool IsFit(UpstreamConnection connection, long now) =>
        connection.IsIdleAndHealthy
        && _time.GetElapsedTime(connection.IdleSince, now) < _options.IdleTimeout
        && _time.GetElapsedTime(connection.CreatedAt, now) < _options.Lifetime;

    private bool TryPop(out UpstreamConnection? connection)
    {
        lock (_gate)
        {
            if (_count == 0)
            {
                connection = null;
                return false;
            }

            connection = _idle[--_count];
            _idle[_count] = null;
            return true;
        }
    }

    private bool TryPush(UpstreamConnection connection)
    {
        lock (_gate)
        {
            if (_disposed || _count >= _options.MaxIdle)
            {
                return false;
            }

            if (_count == _idle.Length)
            {
                Array.Resize(ref _idle, _idle.Length * 2);
            }

            _idle[_count++] = connection;
            return true;
        }
    }
}

/// <summary>Immutable; defaults as design.md §8 and dotnet-notes A.5 argue.</summary>
public sealed record UpstreamPoolOptions
{
    /// <summary>An idle connection older than this is closed; below the 60 s at which load balancers usually close.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(50);

    /// <summary>A connection is not reused after this age, so that DNS changes are followed.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(10);

    public int MaxIdle { get; init; } = 1024;

    /// <summary>Handshakes under way at once: each costs milliseconds of CPU, and TLS 1.3 tickets are single use.</summary>
    public int MaxConcurrentDials { get; init; } = 32;

    /// <summary>
    /// How long a request waits for its turn to dial before it is refused: behind an upstream that does not answer, the queue would only
    /// grow.
    /// </summary>
    public TimeSpan DialQueueTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
