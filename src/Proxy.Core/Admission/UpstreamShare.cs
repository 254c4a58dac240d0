namespace Proxy.Core.Admission;

/// <summary>
/// What one key or team holds of what all share towards the upstreams: dials under way, and connections. A bulkhead: whoever fills theirs waits or is
/// refused, and the others go on. Lives as long as the process, like <see cref="AdmissionScope"/>. Thread-safe; allocates nothing.
/// </summary>
public sealed class UpstreamShare
{
    private int _dials;
    private int _connections;
    private long _refused;

    /// <summary>Dials under way.</summary>
    public int Dials => Volatile.Read(ref _dials);

    /// <summary>Upstream connections held by requests, dials included.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Requests for which there was no room, since the start.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Takes a connection of each share, or of none. Every true is paid back by <see cref="LeaveConnection"/> with the same shares.</summary>
    public static bool TryEnterConnection(ReadOnlySpan<UpstreamShare> shares, int max)
    {
        for (int i = 0; i < shares.Length; i++)
        {
            if (!TryTake(ref shares[i]._connections, max))
            {
                Interlocked.Increment(ref shares[i]._refused);
                LeaveConnection(shares[..i]);
                return false;
            }
        }

        return true;
    }

    public static void LeaveConnection(ReadOnlySpan<UpstreamShare> shares)
    {
        foreach (UpstreamShare share in shares)
        {
            Interlocked.Decrement(ref share._connections);
        }
    }

    /// <summary>As <see cref="TryEnterConnection"/>, around a dial.</summary>
    public static bool TryEnterDial(ReadOnlySpan<UpstreamShare> shares, int max)
    {
        for (int i = 0; i < shares.Length; i++)
        {
            if (!TryTake(ref shares[i]._dials, max))
            {
                Interlocked.Increment(ref shares[i]._refused);
                LeaveDial(shares[..i]);
                return false;
            }
        }

        return true;
    }

    public static void LeaveDial(ReadOnlySpan<UpstreamShare> shares)
    {
        foreach (UpstreamShare share in shares)
        {
            Interlocked.Decrement(ref share._dials);
        }
    }

    /// <summary>Never above the limit, not even for a moment: a refusal must not cost another request its place.</summary>
    private static bool TryTake(ref int count, int max)
    {
        int seen = Volatile.Read(ref count);
        while (seen < max)
        {
            int before = Interlocked.CompareExchange(ref count, seen + 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }
}
