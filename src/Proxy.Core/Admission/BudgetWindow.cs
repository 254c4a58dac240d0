namespace Proxy.Core.Admission;

/// <summary>The current window of one budget of a scope. Guarded by the scope's lock.</summary>
internal sealed class BudgetWindow(Budget budget)
{
    private long _spent;
    private long _adjustment;
    private long _adjustedWindow = long.MinValue;
    private bool _softCrossed;
    private Stake _reserved;

    /// <summary>Admissions from this one on have their reservation in this window; earlier ones do not.</summary>
    private long _firstSequence;

    /// <summary>What it reserves by may change at any time: both ways are kept.</summary>
    public Budget Budget { get; set; } = budget;

    public long StartMs { get; private set; } = long.MinValue;

    public long EndMs { get; private set; } = long.MinValue;

    /// <summary>For requests under way.</summary>
    public long Reserved => _reserved.Of(Budget.Reserve);

    /// <summary>With the operator's correction; never below 0.</summary>
    public long Spent => Math.Max(0, Saturating.Add(_spent, _adjustedWindow == StartMs ? _adjustment : 0));

    /// <summary>A budget that is new: what is under way is reserved in its first window too.</summary>
    public void Begin(long nowMs, in Stake underWay)
    {
        RollTo(nowMs, nextSequence: 0);
        _reserved = underWay;
    }

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
        _reserved = default;
        _softCrossed = false;
        _firstSequence = nextSequence;
    }

    /// <summary>The reservation of an admission is in this window, or will be.</summary>
    public bool Covers(long sequence) => sequence >= _firstSequence;

    /// <summary>More or, with a negative amount, less is reserved for an admission, if its reservation is in this window.</summary>
    public void ChangeReservation(long sequence, in Stake stake)
    {
        if (Covers(sequence))
        {
            _reserved = _reserved.Plus(stake).NotNegative();
        }
    }

    /// <summary>Money spent by a request that began then; it counts where it began, as in the ledger's totals of days.</summary>
    public void Spend(long atMs, long nano)
    {
        if (atMs >= StartMs)
        {
            _spent = Saturating.Add(_spent, nano);
        }
    }

    public void AddSpent(long windowStartMs, long nano, long nextSequence)
    {
        RollTo(windowStartMs, nextSequence);
        if (windowStartMs == StartMs)
        {
            _spent = Saturating.Add(_spent, nano);
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
}
