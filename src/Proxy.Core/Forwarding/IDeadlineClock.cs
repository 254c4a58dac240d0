namespace Proxy.Core.Forwarding;

/// <summary>
/// Tells the time that deadlines are reckoned in, and wakes what waits for one. <see cref="CoarseClock"/> is the process's; a transport
/// with event loops of its own can bring a timer wheel a loop. Thread-safe.
/// </summary>
public interface IDeadlineClock
{
    /// <summary>Milliseconds since the clock was made, as of the last tick.</summary>
    long NowMs { get; }

    /// <summary>Value of the Date field (RFC 9110 §6.6.1).</summary>
    ReadOnlySpan<byte> Date { get; }

    /// <summary>Begins to call <see cref="IExpirable.OnTick"/>.</summary>
    void Watch(IExpirable connection);

    /// <summary>Ends it; one call may still be under way. Once for each <see cref="Watch"/>.</summary>
    void Forget(IExpirable connection);
}

/// <summary>A client connection, as its clock sees it.</summary>
public interface IExpirable
{
    /// <summary>Where the clock keeps it; the clock's own, under its lock.</summary>
    int ClockIndex { get; set; }

    /// <summary>The clock has ticked. On its thread; must not block and must not throw.</summary>
    void OnTick(long nowMs);

    /// <summary>Ends it at once, from any thread.</summary>
    void Abort();
}
