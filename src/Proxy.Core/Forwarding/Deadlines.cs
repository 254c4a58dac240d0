namespace Proxy.Core.Forwarding;

/// <summary>What a connection waits for, and so what its expired deadline means.</summary>
internal enum DeadlineKind : byte
{
    None = 0,
    FirstByte,
    KeepAlive,
    RequestHead,
    RequestBody,
    ResponseHead,
    ResponseBody,
    ClientRead,
    Linger,
}

/// <summary>
/// The deadlines of one client connection: two lanes, one for each flow, each with one writer at any time. The main lane is the
/// connection's own; the upload lane is the upload's while it runs. A lane is one word (when it is due, and the kind in its low byte), so
/// that arming is one store and the clock can never take the old time for the new kind. The clock takes a lane that is due by
/// compare-and-swap with what it read.
/// </summary>
internal sealed class Deadlines(IDeadlineClock clock)
{
    private const int KindBits = 8;
    private const long KindMask = (1 << KindBits) - 1;

    private GatewayLimits _limits = new();
    private long _main;
    private long _upload;
    private volatile DeadlineKind _expired;
    private volatile DeadlineKind _uploadExpired;
    private volatile bool _isAnswered;

    /// <summary>What the main lane waits for.</summary>
    public DeadlineKind Armed => (DeadlineKind)(_main & KindMask);

    /// <summary>What the main lane waited for in vain since <see cref="Begin"/> or <see cref="ClearExpired"/>.</summary>
    public DeadlineKind Expired => _expired;

    /// <summary>The same of the upload lane.</summary>
    public DeadlineKind UploadExpired => _uploadExpired;

    /// <summary>A new request: nothing is due, and nothing has expired.</summary>
    /// <param name="limits">What the kinds take until the next request.</param>
    public void Begin(GatewayLimits limits)
    {
        _limits = limits;
        Disarm();
        DisarmUpload();
        _expired = DeadlineKind.None;
        _uploadExpired = DeadlineKind.None;
        _isAnswered = false;
    }

    /// <summary>Sets the deadline of what comes next, in place of any other of the main lane.</summary>
    public void Arm(DeadlineKind kind) => Arm(ref _main, kind, TimeoutOf(kind));

    /// <summary>The same with a time of its own.</summary>
    public void Arm(DeadlineKind kind, TimeSpan timeout) => Arm(ref _main, kind, timeout);

    public void Disarm() => Volatile.Write(ref _main, 0);

    /// <summary>As <see cref="Arm(DeadlineKind)"/>, on the upload lane. By the upload while it runs, else by the connection.</summary>
    public void ArmUpload(DeadlineKind kind) => Arm(ref _upload, kind, TimeoutOf(kind));

    public void DisarmUpload() => Volatile.Write(ref _upload, 0);

    /// <summary>The response has begun: an upload that still waits for it does so no more.</summary>
    public void Answered() => _isAnswered = true;

    public void ClearExpired() => _expired = DeadlineKind.None;

    /// <summary>True when a lane may be due. The clock's, before it takes a lock.</summary>
    public bool IsDue(long nowMs) => IsDue(Volatile.Read(ref _main), nowMs) || IsDue(Volatile.Read(ref _upload), nowMs);

    /// <summary>Takes what is due of the main lane and marks it expired. The clock's.</summary>
    public DeadlineKind TakeDue(long nowMs)
    {
        DeadlineKind kind = Take(ref _main, nowMs);
        if (kind != DeadlineKind.None)
        {
            _expired = kind;
        }

        return kind;
    }

    /// <summary>The same of the upload lane. The clock's.</summary>
    public DeadlineKind TakeDueUpload(long nowMs)
    {
        DeadlineKind kind = Take(ref _upload, nowMs);
        if (kind == DeadlineKind.ResponseHead && _isAnswered)
        {
            return DeadlineKind.None;
        }

        if (kind != DeadlineKind.None)
        {
            _uploadExpired = kind;
        }

        return kind;
    }

    private static bool IsDue(long lane, long nowMs) => lane != 0 && nowMs >= lane >> KindBits;

    private static DeadlineKind Take(ref long lane, long nowMs)
    {
        long read = Volatile.Read(ref lane);

        // Lost to the writer: what it armed instead is not due.
        return IsDue(read, nowMs) && Interlocked.CompareExchange(ref lane, 0, read) == read
            ? (DeadlineKind)(read & KindMask)
            : DeadlineKind.None;
    }

    private void Arm(ref long lane, DeadlineKind kind, TimeSpan timeout) =>
        Volatile.Write(ref lane, ((clock.NowMs + (timeout.Ticks / TimeSpan.TicksPerMillisecond)) << KindBits) | (byte)kind);

    private TimeSpan TimeoutOf(DeadlineKind kind) => kind switch
    {
        DeadlineKind.FirstByte => _limits.FirstByteTimeout,
        DeadlineKind.KeepAlive => _limits.KeepAliveTimeout,
        DeadlineKind.RequestHead => _limits.HeadTimeout,
        DeadlineKind.RequestBody => _limits.RequestBodyTimeout,
        DeadlineKind.ResponseHead => _limits.ResponseHeadTimeout,
        DeadlineKind.ResponseBody => _limits.SilenceTimeout,
        DeadlineKind.ClientRead => _limits.ClientReadTimeout,
        _ => _limits.LingerTimeout,
    };
}
