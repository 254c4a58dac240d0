namespace Proxy.Core.Forwarding;

/// <summary>
/// The one timer of the data path (design.md decision 16): a few times a second it looks at every connection's deadline and renews the Date
/// field. Kestrel's heartbeat cannot be used: it stops before a drain begins. Thread-safe.
/// </summary>
public sealed class CoarseClock : IDeadlineClock, IDisposable
{
    /// <summary>Deadlines are met within this.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly List<IExpirable> _connections = [];
    private readonly List<IExpirable> _round = [];
    private byte[] _date;
    private long _dateSecond;
    private long _nowMs;

    public CoarseClock(TimeProvider time)
    {
        _time = time;
        _origin = time.GetTimestamp();
        _date = FormatDate(time.GetUtcNow());
        _dateSecond = time.GetUtcNow().ToUnixTimeSeconds();
        _timer = time.CreateTimer(static state => ((CoarseClock)state!).Tick(), this, Period, Period);
    }

    /// <inheritdoc/>
    public long NowMs => Volatile.Read(ref _nowMs);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Date => Volatile.Read(ref _date);

    /// <summary>Connections being watched.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count;
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>Ends every connection that is watched, at once.</summary>
    public void AbortAll()
    {
        List<IExpirable> all;
        lock (_gate)
        {
            all = [.. _connections];
        }

        foreach (IExpirable connection in all)
        {
            connection.Abort();
        }
    }

    /// <inheritdoc/>
    public void Watch(IExpirable connection)
    {
        lock (_gate)
        {
            connection.ClockIndex = _connections.Count;
            _connections.Add(connection);
        }
    }

    /// <inheritdoc/>
    public void Forget(IExpirable connection)
    {
        lock (_gate)
        {
            int last = _connections.Count - 1;
            IExpirable moved = _connections[last];
            _connections[connection.ClockIndex] = moved;
            moved.ClockIndex = connection.ClockIndex;
            _connections.RemoveAt(last);
        }
    }

    private static byte[] FormatDate(DateTimeOffset now) =>
        System.Text.Encoding.ASCII.GetBytes(now.UtcDateTime.ToString("R", System.Globalization.CultureInfo.InvariantCulture));

    private void Tick()
    {
        long nowMs = (long)_time.GetElapsedTime(_origin).TotalMilliseconds;
        Volatile.Write(ref _nowMs, nowMs);
        DateTimeOffset now = _time.GetUtcNow();
        if (now.ToUnixTimeSeconds() != _dateSecond)
        {
            _dateSecond = now.ToUnixTimeSeconds();
            Volatile.Write(ref _date, FormatDate(now));
        }

        // A slow round must not be overtaken by the next tick.
        if (!Monitor.TryEnter(_round))
        {
            return;
        }

        try
        {
            lock (_gate)
            {
                _round.AddRange(_connections);
            }

            foreach (IExpirable connection in _round)
            {
                connection.OnTick(nowMs);
            }
        }
        finally
        {
            _round.Clear();
            Monitor.Exit(_round);
        }
    }
}
