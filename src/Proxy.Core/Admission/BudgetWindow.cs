namespace Proxy.Core.Admission;

/// <summary>The current window of one budget of a scope. Guarded by the scope's lock.</summary>
internal sealed class BudgetWindow(Budget budget)
{
    private long _spent;
    private long _adjustment;
    private long _adjustedWindow = long.MinValue;
    private bool _softCrossed;

    /// <summary>Admissions from this one on have their reservation in this window; earlier ones do not.</summary>
    private long _firstSequence;

    public Budget Budget { get; set; } = budget;

    public long StartMs { get; private set; } = long.MinValue;

    public long EndMs { get; private set; } = long.MinValue;

    public long Reserved { get; private set; }

    /// <summary>With the operator's correction; never below 0.</summary>
    public long Spent => Math.Max(0, Add(_spent, _adjustedWindow == StartMs ? _adjustment : 0));

    /// <summary>Begins the window that this time is in, unless it has begun. A clock that goes back opens none again.</summary>
    public void RollTo(long nowMs, long nextSequence)
    {
        if (nowMs < EndMs)
        {
            return;
        }

        StartMs = Budget.Period.StartOf(nowMs);
        EndMs = Budget.Period.EndOf(nowMs);
        _spent = 0;
        Reserved = 0;
        _softCrossed = false;
        _firstSequence = nextSequence;
    }

    public void Reserve(long nano) => Reserved = Add(Reserved, nano);

    /// <summary>More or, with a negative amount, less is reserved for an admission, if its reservation is in this window.</summary>
    public void ChangeReservation(in AdmissionEntry entry, long nano)
    {
        if (entry.Sequence >= _firstSequence)
        {
            Reserved = Math.Max(0, Add(Reserved, nano));
        }
    }

    /// <summary>Money spent by a request that began then; it counts where it began, as in the ledger's totals of days.</summary>
    public void Spend(long atMs, long nano)
    {
        if (atMs >= StartMs)
        {
            _spent = Add(_spent, nano);
        }
    }

    public void AddSpent(long windowStartMs, long nano, long nextSequence)
    {
        RollTo(windowStartMs, nextSequence);
        if (windowStartMs == StartMs)
        {
            _spent = Add(_spent, nano);
        }
    }

    public void SetAdjustment(long windowStartMs, long nano)
    {
        _adjustedWindow = windowStartMs;
        _adjustment = nano;
    }

    /// <summary>True once a window, when it has come to this.</summary>
    public bool TakeCrossing(long softLimit)
    {
        if (_softCrossed || Spent < softLimit)
        {
            return false;
        }

        _softCrossed = true;
        return true;
    }

    private static long Add(long left, long right)
    {
        long sum = unchecked(left + right);
        bool overflows = ((left ^ sum) & (right ^ sum)) < 0;
        return !overflows ? sum : left < 0 ? long.MinValue : long.MaxValue;
    }
}
