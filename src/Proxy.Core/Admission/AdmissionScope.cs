using Proxy.Core.Outcomes;

namespace Proxy.Core.Admission;

/// <summary>
/// Counters and limits of one key, team, user, member, or key and model. Lives as long as the process: snapshots of principals come and go,
/// its
/// counters stay. Thread-safe by one small lock of its own, so that only requests of the same scope ever meet. Never allocates but when
/// limits
/// are set.
/// </summary>
public sealed class AdmissionScope(ScopeKind kind, string id)
{
    private const long MinuteMs = 60_000;
    private const int ParallelRetrySeconds = 1;
    private const int ReservedRetrySeconds = 2;

    // Batches take up to a day; mostly less than an hour.
    private const int StandingRetrySeconds = 60;

    private readonly Lock _gate = new();
    private ScopeLimits _limits = ScopeLimits.None;
    private BudgetWindow[] _windows = [];
    private long _nowMs = long.MinValue;
    private long _sequence;
    private long _minute;
    private long _requests;
    private long _tokens;
    private long _standing;
    private Stake _underWay;
    private int _inFlight;

    public ScopeKind Kind => kind;

    /// <summary>Identifies it among its kind: the key's scope id, the team's id and so on.</summary>
    public string Id => id;

    /// <summary>
    /// Swapping them keeps the counters, those of a budget as long as its period stays. A new period starts with what is under way, and
    /// nothing spent until
    /// <see cref="AddSpent"/>.
    /// </summary>
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

    /// <summary>
    /// What the ledger says was spent in a window, beside what this process settled. Disregarded when that window is over.
    /// </summary>
    public void AddSpent(BudgetPeriod period, long windowStartUnixMs, long nanoUsd)
    {
        lock (_gate)
        {
            Find(period)?.AddSpent(windowStartUnixMs, nanoUsd, _sequence + 1);
        }
    }

    /// <summary>
    /// An operator's correction of what counts as spent, which may be negative; replaces the former one, and is void when that window is
    /// over.
    /// </summary>
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
                long reserved = Saturating.Add(window.Reserved, _standing);
                states.Add(new BudgetState(window.Budget.Period, LimitOf(window), window.Spent, reserved, window.StartMs, window.EndMs));
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
            if ((countsMoney && !HasMoney(request, _sequence, held: default, out refusal)) || !HasRoom(out refusal))
            {
                entry = default;
                return false;
            }

            entry = new AdmissionEntry(this, ++_sequence, _nowMs, countsMoney, countsMoney && Reserves(request));
            _inFlight++;
            _requests++;
            ChangeReservations(entry, request.Stake);
            return true;
        }
    }

    /// <summary>Takes an admission back as if it had never been: another scope of the request refused it.</summary>
    internal void TakeBack(in AdmissionEntry entry, in Stake held)
    {
        lock (_gate)
        {
            _inFlight--;
            _requests -= entry.AtUnixMs / MinuteMs == _minute ? 1 : 0;
            ChangeReservations(entry, default(Stake).Minus(held));
        }
    }

    /// <summary>Judges an admission again by its money, and reserves the new stake in the place of the one that is held.</summary>
    internal bool TryRaise(ref AdmissionEntry entry, in Stake held, in AdmissionRequest request, out AdmissionRefusal refusal)
    {
        refusal = default;
        if (!entry.CountsMoney)
        {
            return true;
        }

        lock (_gate)
        {
            Roll(request.NowUnixMs);
            Stake own = entry.IsReserved ? held : default;
            if (!HasMoney(request, entry.Sequence, own, out refusal))
            {
                return false;
            }

            // From here on it is reserved in today's windows, though it counts where it began: a body that drips past midnight is judged
            // all the same.
            ChangeReservations(entry, default(Stake).Minus(own));
            entry = entry with { Sequence = ++_sequence, IsReserved = entry.IsReserved || Reserves(request) };
            ChangeReservations(entry, request.Stake);
            return true;
        }
    }

    internal void Raise(in AdmissionEntry entry, in Stake more)
    {
        lock (_gate)
        {
            ChangeReservations(entry, more);
        }
    }

    /// <summary>Nothing is reserved for the admission any more; it is still under way.</summary>
    internal void Release(ref AdmissionEntry entry, in Stake held)
    {
        lock (_gate)
        {
            ChangeReservations(entry, default(Stake).Minus(held));
            entry = entry with { IsReserved = false };
        }
    }

    internal void Settle(in AdmissionEntry entry, in Stake held, long cost, long tokens, long nowUnixMs)
    {
        lock (_gate)
        {
            // First: whatever fails below, its place is free again.
            _inFlight--;
            Roll(nowUnixMs);
            _tokens = Saturating.Add(_tokens, tokens);
            ChangeReservations(entry, default(Stake).Minus(held));
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

    /// <summary>Reserves, in whatever windows there will be, until the same amount is taken away again.</summary>
    internal void ChangeStanding(long nano)
    {
        lock (_gate)
        {
            _standing = Math.Max(0, Saturating.Add(_standing, nano));
        }
    }

    /// <summary>A key is kept out by nobody's requests but its own.</summary>
    private bool Reserves(in AdmissionRequest request) => !request.IsPartial || kind is ScopeKind.Key or ScopeKind.KeyModel;

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

    /// <param name="held">What is reserved for it already, in the windows that cover the sequence.</param>
    private bool HasMoney(in AdmissionRequest request, long sequence, in Stake held, out AdmissionRefusal refusal)
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
                    refusal = new AdmissionRefusal(RefusalReason.BudgetSpent, this, window.Budget, window.EndMs, RetryAtEndOf(window));
                }

                continue;
            }

            long estimate = request.Stake.Of(window.Budget.Reserve);
            long underWay = window.Reserved - (window.Covers(sequence) ? held.Of(window.Budget.Reserve) : 0);
            long reserved = Saturating.Add(underWay, _standing);
            if (refusal.Reason != RefusalReason.None || estimate <= 0 || estimate <= left - reserved || (reserved == 0 && !request.MustFit))
            {
                // One request alone may always use up the rest; several at once may not overspend. What costs nothing fits.
                continue;
            }

            int retryAfter = estimate > left - _standing ? StandingRetrySeconds : ReservedRetrySeconds;
            refusal = request.MustFit && estimate > left
                ? new AdmissionRefusal(RefusalReason.BudgetShort, this, window.Budget, window.EndMs, RetryAtEndOf(window))
                : new AdmissionRefusal(RefusalReason.BudgetReserved, this, window.Budget, window.EndMs, retryAfter);
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

    private int RetryAtEndOf(BudgetWindow window) => window.EndMs == long.MaxValue ? 0 : SecondsUntil(window.EndMs);

    private int SecondsUntil(long unixMs) => (int)Math.Clamp((unixMs - _nowMs + 999) / 1000, 1, int.MaxValue);

    private long LimitOf(BudgetWindow window)
    {
        long increase = _nowMs < _limits.TemporaryIncreaseEndsUnixMs ? _limits.TemporaryIncreaseNanoUsd : 0;
        return Saturating.Add(window.Budget.LimitNanoUsd, increase);
    }

    private void ChangeReservations(in AdmissionEntry entry, in Stake change)
    {
        if (!entry.IsReserved)
        {
            return;
        }

        _underWay = _underWay.Plus(change).NotNegative();
        foreach (BudgetWindow window in _windows)
        {
            window.ChangeReservation(entry.Sequence, change);
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
            window.Begin(_nowMs, _underWay);
        }

        return window;
    }
}
