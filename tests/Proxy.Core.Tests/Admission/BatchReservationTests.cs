using Proxy.Core.Admission;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Admission;

/// <summary>What a batch may cost is reserved until its results are metered, it is cancelled, or it has expired.</summary>
public sealed class BatchReservationTests
{
    private const long Usd = 1_000_000_000;
    private const long Hour = 3_600_000;
    private static readonly long Noon = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private readonly BatchReservations _batches = new();
    private readonly AdmissionScope _key = Scope(ScopeKind.Key);
    private readonly AdmissionScope _team = Scope(ScopeKind.Team);

    [Fact]
    public void Of_five_huge_batches_only_those_that_fit_are_taken()
    {
        int taken = 0;
        for (int i = 0; i < 5; i++)
        {
            if (AdmissionGate.TryAdmit([_key, _team], Batch(4 * Usd), out AdmissionTicket ticket, out AdmissionRefusal refusal))
            {
                _batches.Keep($"msgbatch_{i}", ref ticket, Noon);
                taken++;
            }
            else
            {
                Assert.Equal(RefusalReason.BudgetReserved, refusal.Reason);
                Assert.Equal(60, refusal.RetryAfterSeconds);
            }
        }

        Assert.Equal(2, taken);
        Assert.Equal((8 * Usd, 0), (Reserved(_team, Noon), _team.InFlight));
    }

    [Fact]
    public void Item_by_item_the_body_is_judged_as_it_streams_by()
    {
        Assert.True(AdmissionGate.TryAdmit([_key, _team], Batch(0) with { IsPartial = true }, out AdmissionTicket ticket, out _));
        int items = 0;
        AdmissionRefusal refusal = default;
        while (items < 100 && AdmissionGate.TryRaise(ref ticket, null, Batch((items + 1) * Usd) with { IsPartial = true }, out refusal))
        {
            items++;
        }

        Assert.Equal((10, RefusalReason.BudgetShort), (items, refusal.Reason));
        Assert.Equal((0, 0), (Reserved(_key, Noon), Reserved(_team, Noon)));
        AdmissionGate.Settle(ref ticket, 0, 0, Noon);
    }

    [Fact]
    public void It_is_reserved_in_tomorrows_budget_too_until_its_results_are_metered()
    {
        Keep("msgbatch_a", 6 * Usd);
        Assert.Equal(6 * Usd, Reserved(_key, Noon + (13 * Hour)));
        Assert.False(AdmissionGate.TryAdmit([_key], new AdmissionRequest(Noon + (13 * Hour), 5 * Usd, true), out _, out _));
        _batches.Release("msgbatch_a");
        _batches.Release("msgbatch_a");
        _batches.Release("msgbatch_unknown");
        Assert.Equal((0, 0), (Reserved(_key, Noon + (13 * Hour)), Reserved(_team, Noon + (13 * Hour))));
    }

    [Fact]
    public void What_has_expired_is_given_back()
    {
        Keep("msgbatch_a", Usd);
        _batches.ReleaseExpired(Noon + (24 * Hour));
        Assert.Equal(Usd, Reserved(_key, Noon));
        _batches.ReleaseExpired(Noon + (25 * Hour));
        Assert.Equal((0, 0), (Reserved(_key, Noon), _batches.Read().Count));
    }

    [Fact]
    public void A_restart_keeps_it()
    {
        Keep("msgbatch_a", 3 * Usd);
        Keep("msgbatch_b", 2 * Usd);
        long version = _batches.Version;
        IReadOnlyList<BatchReservation> kept = _batches.Read();

        AdmissionScope key = Scope(ScopeKind.Key);
        BatchReservations restarted = new();
        restarted.Restore(kept, name => name == new ScopeName(ScopeKind.Key, "k") ? key : null);
        restarted.Restore(kept, _ => key);
        Assert.Equal(5 * Usd, Reserved(key, Noon));
        restarted.Release("msgbatch_a");
        Assert.Equal(2 * Usd, Reserved(key, Noon));
        _batches.Release("msgbatch_a");
        Assert.True(_batches.Version > version);
    }

    [Fact]
    public void What_counts_no_money_keeps_nothing()
    {
        Assert.True(AdmissionGate.TryAdmit([_key], new AdmissionRequest(Noon, 5 * Usd, IsCompanyPaid: false), out AdmissionTicket ticket, out _));
        _batches.Keep("msgbatch_a", ref ticket, Noon);
        Assert.Equal((0, 0), (Reserved(_key, Noon), _key.InFlight));
    }

    private static AdmissionRequest Batch(long worst) => new(Noon, worst, IsCompanyPaid: true) { MustFit = true };

    private void Keep(string id, long worst)
    {
        Assert.True(AdmissionGate.TryAdmit([_key, _team], Batch(worst), out AdmissionTicket ticket, out _));
        _batches.Keep(id, ref ticket, Noon);
        Assert.True(ticket.IsEmpty);
    }

    private static AdmissionScope Scope(ScopeKind kind)
    {
        Assert.True(BudgetPeriod.TryParse("1d", out BudgetPeriod daily));
        return new AdmissionScope(kind, "k") { Limits = new ScopeLimits { Budgets = [new Budget(daily, 10 * Usd)] } };
    }

    private static long Reserved(AdmissionScope scope, long now)
    {
        List<BudgetState> states = [];
        scope.ReadBudgets(now, states);
        return states[0].ReservedNanoUsd;
    }
}
