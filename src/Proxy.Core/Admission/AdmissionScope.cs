using Proxy.Core.Outcomes;

namespace Proxy.Core.Admission;

/// <summary>
/// Counters and limits of one key, team, user, member, or key and model. Lives as long as the process: snapshots of principals come and go, its
/// counters stay. Thread-safe by one small lock of its own, so that only requests of the same scope ever meet. Never allocates but when limits
/// are set.
/// </summary>
public sealed class AdmissionScope(ScopeKind kind, string id)
{
    private const long MinuteMs = 60_000;
    private const int ParallelRetrySeconds = 1;
    private const int ReservedRetrySeconds = 2;

    private readonly Lock _gate = new();
    private ScopeLimits _limits = ScopeLimits.None;
    private BudgetWindow[] _windows = [];
    private long _nowMs = long.MinValue;
    private long _sequence;
    private long _minute;
    private long _requests;
    private long _tokens;
    private int _inFlight;

    public ScopeKind Kind => kind;

    /// <summary>Identifies it among its kind: the key's scope id, the team's id and so on.</summary>
    public string Id => id;

    /// <summary>Swapping them keeps the counters, those of a budget as long as its period stays. A new period starts at zero until <see cref="AddSpent"/>.</summary>
    public ScopeLimits Limits
    {
        get => _limits;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            lock (_gate)
            {
                IReadOnlyList<Budget> budgets = value.Budgets.Count == 0 && value.SoftBudgetNanoUsd is not null
                    ? [new Budget(BudgetPeriod.Forever, long.MaxValue)]
                    : value.Budgets;
                BudgetWindow[] windows = new BudgetWindow[budgets.Count];
                for (int i = 0; i < windows.Length; i++)
                {
                    windows[i] = Find(budgets[i].Period) ?? NewWindow(budgets[i]);
                    windows[i].Budget = budgets[i];
                }

                _windows = windows;
                _limits = value;
            }
        }
    }

    /// <summary>Requests under way.</summary>
    public int InFlight
    {
        get
        {
            lock (_gate)
            {
                return _inFlight;
            }
        }
    }

    /// <summary>What the ledger says was spent in a window, beside what this process settled. Disregarded when that window is over.</summary>
    public void AddSpent(BudgetPeriod period, long windowStartUnixMs, long nanoUsd)
    {
        lock (_gate)
        {
            Find(period)?.AddSpent(windowStartUnixMs, nanoUsd, _sequence + 1);
        }
    }

    /// <summary>An operator's correction of what counts as spent, which may be negative; replaces the former one, and is void when that window is over.</summary>
    public void SetAdjustment(BudgetPeriod period, long windowStartUnixMs, long nanoUsd)
    {
        lock (_gate)
        {
            Find(period)?.SetAdjustment(windowStartUnixMs, nanoUsd);
        }
    }

    /// <summary>The budgets as they are now, appended to the list in their order.</summary>
    public void ReadBudgets(long nowUnixMs, ICollection<BudgetState> states)
    {
        ArgumentNullException.ThrowIfNull(states);
        lock (_gate)
        {
            Roll(nowUnixMs);
            foreach (BudgetWindow window in _windows)
            {
                states.Add(new BudgetState(window.Budget.Period, LimitOf(window), window.Spent, window.Reserved, window.StartMs, window.EndMs));
            }
        }
    }

    /// <summary>Requests admitted and tokens settled in the current minute.</summary>
    public (long Requests, long Tokens) ReadMinute(long nowUnixMs)
    {
        lock (_gate)
        {
            Roll(nowUnixMs);
            return (_requests, _tokens);
        }
    }

    /// <summary>True once a window, when the soft budget is reached in it.</summary>
    public bool TakeSoftBudgetCrossed(long nowUnixMs)
    {
        lock (_gate)
        {
            Roll(nowUnixMs);
            return _limits.SoftBudgetNanoUsd is { } soft && _windows.Length > 0 && _windows[^1].TakeCrossing(soft);
        }
    }

    internal bool TryAdmit(in AdmissionRequest request, out AdmissionEntry entry, out AdmissionRefusal refusal)
    {
        lock (_gate)
        {
            Roll(request.NowUnixMs);
            bool countsMoney = request.IsCompanyPaid || _limits.CountsClientPaid;
            if ((countsMoney && !HasMoney(request.EstimateNanoUsd, out refusal)) || !HasRoom(out refusal))
            {
                entry = default;
                return false;
            }

            entry = new AdmissionEntry(this, ++_sequence, _nowMs, countsMoney);
            _inFlight++;
            _requests++;
            if (countsMoney)
            {
                foreach (BudgetWindow window in _windows)
                {
                    window.Reserve(request.EstimateNanoUsd);
                }
            }

            return true;
        }
    }

    /// <summary>Takes an admission back as if it had never been: another scope of the request refused it.</summary>
    internal void TakeBack(in AdmissionEntry entry, long reserved)
    {
        lock (_gate)
        {
            _inFlight--;
            _requests -= entry.AtUnixMs / MinuteMs == _minute ? 1 : 0;
            ChangeReservations(entry, -reserved);
        }
    }

    internal void Raise(in AdmissionEntry entry, long nano)
    {
        lock (_gate)
        {
            ChangeReservations(entry, nano);
        }
    }

    internal void Settle(in AdmissionEntry entry, long reserved, long cost, long tokens, long nowUnixMs)
    {
        lock (_gate)
        {
            // First: whatever fails below, its place is free again.
            _inFlight--;
            Roll(nowUnixMs);
            _tokens = UsageSum(_tokens, tokens);
            ChangeReservations(entry, -reserved);
            if (entry.CountsMoney)
            {
                SpendInWindows(entry.AtUnixMs, cost);
            }
        }
    }

    internal void Charge(long cost, long startedAtUnixMs, long nowUnixMs, bool isCompanyPaid)
    {
        lock (_gate)
        {
            Roll(nowUnixMs);
            if (isCompanyPaid || _limits.CountsClientPaid)
            {
                SpendInWindows(startedAtUnixMs, cost);
            }
        }
    }

    private static long UsageSum(long left, long right) => left > long.MaxValue - right ? long.MaxValue : left + right;

    private void Roll(long nowUnixMs)
    {
        if (nowUnixMs <= _nowMs)
        {
            return;
        }

        _nowMs = nowUnixMs;
        if (nowUnixMs / MinuteMs != _minute)
        {
            _minute = nowUnixMs / MinuteMs;
            _requests = 0;
            _tokens = 0;
        }

        foreach (BudgetWindow window in _windows)
        {
            window.RollTo(nowUnixMs, _sequence + 1);
        }
    }

    private bool HasMoney(long estimate, out AdmissionRefusal refusal)
    {
        refusal = default;
        foreach (BudgetWindow window in _windows)
        {
            long left = LimitOf(window) - window.Spent;
            if (left <= 0)
            {
                // Of several that are used up the one that lasts longest decides when another try may help.
                if (refusal.Reason != RefusalReason.BudgetSpent || window.EndMs > refusal.ResetsAtUnixMs)
                {
                    int retryAfter = window.EndMs == long.MaxValue ? 0 : SecondsUntil(window.EndMs);
                    refusal = new AdmissionRefusal(RefusalReason.BudgetSpent, this, window.Budget, window.EndMs, retryAfter);
                }
            }
            else if (refusal.Reason == RefusalReason.None && window.Reserved > 0 && (window.Reserved >= left || estimate > left - window.Reserved))
            {
                // One request alone may always use up the rest; several at once may not overspend.
                refusal = new AdmissionRefusal(RefusalReason.BudgetReserved, this, window.Budget, window.EndMs, ReservedRetrySeconds);
            }
        }

        return refusal.Reason == RefusalReason.None;
    }

    private bool HasRoom(out AdmissionRefusal refusal)
    {
        RefusalReason reason = _inFlight >= _limits.ParallelRequests ? RefusalReason.ParallelRequests
            : _requests >= _limits.RequestsPerMinute ? RefusalReason.RequestRate
            : _tokens >= _limits.TokensPerMinute ? RefusalReason.TokenRate
            : RefusalReason.None;
        int retryAfter = reason == RefusalReason.ParallelRequests ? ParallelRetrySeconds : SecondsUntil((_minute + 1) * MinuteMs);
        refusal = reason == RefusalReason.None ? default : new AdmissionRefusal(reason, this, null, 0, retryAfter);
        return reason == RefusalReason.None;
    }

    private int SecondsUntil(long unixMs) => (int)Math.Clamp((unixMs - _nowMs + 999) / 1000, 1, int.MaxValue);

    private long LimitOf(BudgetWindow window)
    {
        long increase = _nowMs < _limits.TemporaryIncreaseEndsUnixMs ? _limits.TemporaryIncreaseNanoUsd : 0;
        return UsageSum(window.Budget.LimitNanoUsd, increase);
    }

    private void ChangeReservations(in AdmissionEntry entry, long nano)
    {
        if (!entry.CountsMoney)
        {
            return;
        }

        foreach (BudgetWindow window in _windows)
        {
            window.ChangeReservation(entry, nano);
        }
    }

    private void SpendInWindows(long atUnixMs, long nano)
    {
        foreach (BudgetWindow window in _windows)
        {
            window.Spend(atUnixMs, nano);
        }
    }

    private BudgetWindow? Find(BudgetPeriod period)
    {
        foreach (BudgetWindow window in _windows)
        {
            if (window.Budget.Period == period)
            {
                return window;
            }
        }

        return null;
    }

    private BudgetWindow NewWindow(Budget budget)
    {
        BudgetWindow window = new(budget);
        if (_nowMs != long.MinValue)
        {
            window.RollTo(_nowMs, _sequence + 1);
        }

        return window;
    }
}
