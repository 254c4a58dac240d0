using CsCheck;
using Proxy.Core.Admission;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Admission;

/// <summary>
/// Whatever happens in whatever order: what is reserved returns to zero, what is spent is what was settled, no budget is exceeded by more than what
/// docs/limits.md says, and nobody is refused for money that is there.
/// </summary>
public sealed class AdmissionPropertyTests
{
    private const long Cent = 10_000_000;
    private const long Hour = 3_600_000;
    private static readonly long Start = new DateTimeOffset(2026, 11, 23, 9, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public void No_order_of_events_breaks_a_promise() =>
        Gen.Select(Gen.Enum<Step>(), Gen.Int[0, 1000], Gen.Int[0, 1000]).Array[1, 80].Sample(
            steps =>
            {
                World world = new();
                foreach ((Step step, int one, int two) in steps)
                {
                    world.Do(step, one, two);
                    world.AssertBounds();
                }

                world.EndAll();
                world.AssertNothingIsReserved();
            },
            iter: 5000);

    private enum Step
    {
        Admit,
        AdmitPartial,
        AdmitBatch,
        Raise,
        RaisePartial,
        TopUp,
        Settle,
        SettleAgain,
        MoveClock,
        ChangePeriods,
        ChangeModes,
        Charge,
        StandBatch,
        EndBatch,
    }

    /// <summary>The gate, and beside it plain lists of what was asked, held and spent.</summary>
    private sealed class World
    {
        private readonly Side[] _sides = [new(ScopeKind.Key), new(ScopeKind.Team), new(ScopeKind.KeyModel)];
        private readonly List<Live> _live = [];
        private long _now = Start;

        /// <summary>The latest time the gate has seen: its clock never goes back.</summary>
        private long _seen = Start;

        private Side[] KeySides => _sides[..2];

        public void Do(Step step, int one, int two)
        {
            switch (step)
            {
                case Step.Admit or Step.AdmitPartial or Step.AdmitBatch:
                    Admit(one, two, step == Step.AdmitPartial, step == Step.AdmitBatch);
                    break;
                case Step.Raise or Step.RaisePartial when _live.Count > 0:
                    Raise(_live[one % _live.Count], two, step == Step.RaisePartial, withModel: one % 2 == 0);
                    break;
                case Step.TopUp when _live.Count > 0:
                    Live up = _live[one % _live.Count];
                    if (up.IsHeld)
                    {
                        AdmissionGate.TopUp(ref up.Ticket, up.Estimate, two);
                        up.Expected = up.Ticket.ReservedNanoUsd;
                    }

                    break;
                case Step.Settle when _live.Count > 0:
                    Settle(_live[one % _live.Count], two);
                    break;
                case Step.SettleAgain:
                    AdmissionTicket none = default;
                    AdmissionGate.Settle(ref none, one, two, _now);
                    break;
                case Step.MoveClock:
                    _now += (one % 10 == 0 ? -Hour : Hour) * (two % 9);
                    break;
                case Step.ChangePeriods:
                    Side changed = _sides[one % 2];
                    changed.Change(two, _seen, _live.Where(live => live.Sides.Contains(changed)).Sum(live => live.Worst));
                    break;
                case Step.ChangeModes:
                    _sides[one % 2].ChangeModes();
                    break;
                case Step.Charge:
                    AdmissionGate.Charge([.. KeySides.Select(side => side.Scope)], two, _now, See(), isCompanyPaid: true);
                    foreach (Side side in KeySides)
                    {
                        side.Charged += two;
                        side.Spent.Add((_now, two));
                    }

                    break;
                case Step.StandBatch when _live.Find(live => live.MustFit && live.IsHeld && live.IsWhole && live.Standing is null) is { } batch:
                    batch.Standing = AdmissionGate.Stand(ref batch.Ticket, See());
                    break;
                case Step.EndBatch when _live.Find(live => live.Standing is not null) is { } batch:
                    batch.Standing!.Release();
                    _live.Remove(batch);
                    break;
            }
        }

        public void EndAll()
        {
            while (_live.Count > 0)
            {
                Settle(_live[0], 3);
            }
        }

        public void AssertNothingIsReserved()
        {
            foreach (Side side in _sides)
            {
                Assert.Equal(0, side.Scope.InFlight);
                Assert.All(side.Read(_seen), state => Assert.Equal(0, state.ReservedNanoUsd));
            }
        }

        public void AssertBounds()
        {
            foreach (Side side in _sides)
            {
                foreach (BudgetState state in side.Read(_seen))
                {
                    long spent = side.SpentSince(state.StartedUnixMs);
                    Assert.Equal(spent, state.SpentNanoUsd);

                    // One alone may use up the rest and more, and what was charged without being admitted is nobody's to refuse.
                    long bound = side.LimitOf(state) + side.Unreserved + side.LargestAlone + side.Charged;
                    Assert.True(spent <= bound, $"{side.Scope.Kind}: {spent} of {bound}");
                }
            }
        }

        private long See() => _seen = Math.Max(_seen, _now);

        private void Admit(int one, int two, bool partial, bool batch)
        {
            Live live = new() { Estimate = new CostEstimate(one * Cent / 100, two * Cent / 10, two), MustFit = batch, At = Math.Max(_seen, _now) };
            live.Take(batch ? live.Estimate.WorstNanoUsd : Math.Max(live.Estimate.OfOutput(two / 4), live.Estimate.WorstNanoUsd / 8));
            Side[] sides = KeySides;
            if (AdmissionGate.TryAdmit([.. sides.Select(side => side.Scope)], live.Ask(_now, partial), out live.Ticket, out AdmissionRefusal refusal))
            {
                See();
                live.Sides.AddRange(sides);
                live.IsHeld = true;
                live.IsWhole = !partial;
                live.Reserving.AddRange(sides.Where(side => !partial || side.Scope.Kind == ScopeKind.Key));
                _live.Add(live);
                return;
            }

            See();
            AssertJust(refusal, live, self: null);
        }

        private void Raise(Live live, int two, bool partial, bool withModel)
        {
            if (live.Standing is not null || !live.IsHeld || (live.IsWhole && partial))
            {
                return;
            }

            Live asked = new() { Estimate = live.Estimate with { OutputNanoUsd = two * Cent / 10, OutputTokens = two }, MustFit = live.MustFit };
            asked.Take(live.MustFit ? asked.Estimate.WorstNanoUsd : Math.Max(asked.Estimate.OfOutput(two / 4), asked.Estimate.WorstNanoUsd / 8));
            Side? model = withModel && !live.MustFit ? _sides[2] : null;
            bool isRaised = AdmissionGate.TryRaise(ref live.Ticket, model?.Scope, asked.Ask(_now, partial), out AdmissionRefusal refusal);
            See();
            if (!isRaised)
            {
                AssertJust(refusal, asked, live);
                live.Refuse();
                return;
            }

            if (model is not null && !live.Sides.Contains(model))
            {
                live.Sides.Add(model);
                live.ModelAt = _seen;
            }

            live.Estimate = asked.Estimate;
            live.Expected = asked.Expected;
            live.Worst = asked.Worst;
            live.IsWhole |= !partial;
            live.Reserving = [.. live.Sides.Where(side => live.IsWhole || side.Scope.Kind != ScopeKind.Team || live.Reserving.Contains(side))];
        }

        private void Settle(Live live, int two)
        {
            _live.Remove(live);
            if (live.Standing is not null)
            {
                live.Standing.Release();
                return;
            }

            // An estimate is what it cannot cost more than; refused or partial, it has cost nothing: its last bytes were held back.
            long cost = live is { IsHeld: true, IsWhole: true } ? live.Worst * (two % 101) / 100 : 0;
            foreach (Side side in live.Sides)
            {
                side.Spent.Add((side == _sides[2] ? live.ModelAt : live.At, cost));
                side.Unreserved += Math.Max(0, cost - Math.Min(live.Expected, live.Worst));
                side.LargestAlone = Math.Max(side.LargestAlone, live.Worst);
            }

            AdmissionGate.Settle(ref live.Ticket, cost, 1, _now);
            See();
        }

        /// <summary>Who is refused for money is refused because it is not there.</summary>
        private void AssertJust(in AdmissionRefusal refusal, Live asked, Live? self)
        {
            AdmissionScope scope = refusal.Scope!;
            ReserveMode mode = refusal.Budget!.Reserve;
            Side side = _sides.Single(one => one.Scope == scope);
            BudgetPeriod period = refusal.Budget.Period;
            long spent = side.SpentSince(period.StartOf(_seen));
            long underWay = _live.Where(live => live != self && live.IsHeld && live.Reserving.Contains(side))
                .Sum(live => mode == ReserveMode.WorstCase || live.Standing is not null ? live.Worst : live.Expected);
            long estimate = mode == ReserveMode.WorstCase ? asked.Worst : asked.Expected;
            long limit = refusal.Budget.LimitNanoUsd;
            Assert.True(
                refusal.Reason == RefusalReason.BudgetSpent ? spent >= limit : spent + underWay + estimate > limit,
                $"{refusal.Reason}: spent {spent}, under way {underWay}, estimate {estimate} of {limit}");
        }
    }

    private sealed class Live
    {
        public AdmissionTicket Ticket;

        public CostEstimate Estimate { get; set; }

        public long Expected { get; set; }

        public long Worst { get; set; }

        public bool MustFit { get; init; }

        public bool IsHeld { get; set; }

        public bool IsWhole { get; set; }

        public long At { get; init; }

        public long ModelAt { get; set; }

        public List<Side> Sides { get; } = [];

        public List<Side> Reserving { get; set; } = [];

        public StandingReservation? Standing { get; set; }

        public void Take(long expected) => (Expected, Worst) = (expected, Estimate.WorstNanoUsd);

        public void Refuse() => (IsHeld, Reserving) = (false, []);

        public AdmissionRequest Ask(long now, bool partial) =>
            new(now, Expected, IsCompanyPaid: true) { WorstNanoUsd = Worst, IsPartial = partial, MustFit = MustFit };
    }

    private sealed class Side
    {
        private static readonly string?[] Periods = ["1d", "1h", "7d", null];

        private readonly Dictionary<(BudgetPeriod Period, long Start), long> _found = [];
        private ReserveMode _mode;
        private int[] _periods = [0, 3];

        public Side(ScopeKind kind)
        {
            Scope = new AdmissionScope(kind, "k");
            Set();
        }

        public AdmissionScope Scope { get; }

        public List<(long At, long Nano)> Spent { get; } = [];

        public long Unreserved { get; set; }

        public long LargestAlone { get; set; }

        public long Charged { get; set; }

        public long SpentSince(long start) => Spent.Where(one => one.At >= start).Sum(one => one.Nano);

        public BudgetState[] Read(long now)
        {
            List<BudgetState> states = [];
            Scope.ReadBudgets(now, states);
            return [.. states];
        }

        /// <summary>As the host does it: a period that is new is told what was spent in it.</summary>
        public void Change(int choice, long now, long underWay)
        {
            int[] before = _periods;
            _periods = [choice % 4, (choice / 4 % 3) + 1];
            Set();
            foreach (int added in _periods.Distinct().Except(before))
            {
                BudgetPeriod period = Period(added);
                long spent = SpentSince(period.StartOf(now));
                Scope.AddSpent(period, period.StartOf(now), spent);
                _found[(period, period.StartOf(now))] = spent + underWay;
            }
        }

        /// <summary>A budget that is added may be smaller than what was spent before it was there, and is under way.</summary>
        public long LimitOf(in BudgetState state) => Math.Max(state.LimitNanoUsd, _found.GetValueOrDefault((state.Period, state.StartedUnixMs)));

        public void ChangeModes()
        {
            _mode = _mode == ReserveMode.Learned ? ReserveMode.WorstCase : ReserveMode.Learned;
            Set();
        }

        private void Set() => Scope.Limits = new ScopeLimits
        {
            Budgets = [.. _periods.Distinct().Select(index => new Budget(Period(index), (index + 1) * 100 * Cent) { Reserve = _mode })],
        };

        private static BudgetPeriod Period(int index)
        {
            Assert.True(BudgetPeriod.TryParse(Periods[index], out BudgetPeriod period));
            return period;
        }
    }
}
