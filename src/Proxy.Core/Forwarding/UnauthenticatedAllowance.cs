namespace Proxy.Core.Forwarding;

/// <summary>
/// How many refusals of callers without a known key are booked in a minute. Each takes a slot of the journal and a row of the ledger for
/// ever: without a bound, whoever
/// can reach the port could fill both. All are counted. Thread-safe; never allocates.
/// </summary>
public sealed class UnauthenticatedAllowance
{
    private const long MinuteMs = 60_000;

    private long _minute;
    private int _booked;
    private long _count;

    /// <summary>Refusals of unknown callers since the start, booked or not.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>Counts one, and says whether it may be booked.</summary>
    public bool TryBook(long nowUnixMs, int perMinute)
    {
        Interlocked.Increment(ref _count);
        long minute = nowUnixMs / MinuteMs;
        long before = Volatile.Read(ref _minute);
        if (before != minute && Interlocked.CompareExchange(ref _minute, minute, before) == before)
        {
            Volatile.Write(ref _booked, 0);
        }

        return Volatile.Read(ref _booked) < perMinute && Interlocked.Increment(ref _booked) <= perMinute;
    }
}
