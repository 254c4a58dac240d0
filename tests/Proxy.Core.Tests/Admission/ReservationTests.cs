using Proxy.Core.Admission;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Admission;

/// <summary>What is reserved when, by which budget, for whom, and what is refused for it.</summary>
public sealed class ReservationTests
{
    private const long Usd = 1_000_000_000;
    private const long Cent = Usd / 100;
    private const long Day = 86_400_000;
    private static readonly long Noon = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public void Two_hundred_whose_max_tokens_comes_behind_their_messages_do_not_pass_the_budget()
    {
        // Each looks like 5 cents as long as only its start is known, costs 72, and may cost 3.20 dollars.
        const long Limit = 970 * Cent;
        AdmissionScope scope = Scope(Limit);
        AdmissionTicket[] tickets = new AdmissionTicket[200];
        int admitted = 0;
        for (int i = 0; i < tickets.Length; i++)
        {
            bool isIn = AdmissionGate.TryAdmit([scope], Request(5 * Cent, partial: true), out tickets[i], out _)
                && AdmissionGate.TryRaise(ref tickets[i], null, Request(80 * Cent, worst: 320 * Cent), out _);
            admitted += isIn ? 1 : 0;
        }

        Assert.Equal(12, admitted);
        for (int i = 0; i < tickets.Length; i++)
        {
            AdmissionGate.Settle(ref tickets[i], tickets[i].ReservedNanoUsd > 0 ? 72 * Cent : 0, 0, Noon);
        }

        Assert.Equal((12 * 72 * Cent, 0), (Read(scope).SpentNanoUsd, Read(scope).ReservedNanoUsd));
        Assert.True(Read(scope).SpentNanoUsd <= Limit);
    }

    [Theory]
    [InlineData(ReserveMode.WorstCase, 3)]
    [InlineData(ReserveMode.Learned, 12)]
    public void Of_two_hundred_at_once_on_money_for_three_no_more_is_overspent_than_what_was_not_reserved(ReserveMode mode, int most)
    {
        AdmissionScope scope = Scope(3 * Usd, mode);
        AdmissionTicket[] tickets = new AdmissionTicket[200];
        int admitted = 0;
        Parallel.For(0, tickets.Length, i =>
        {
            if (AdmissionGate.TryAdmit([scope], Request(Usd / 4, worst: Usd), out tickets[i], out _))
            {
                Interlocked.Increment(ref admitted);
            }
        });
        Assert.Equal(most, admitted);
        for (int i = 0; i < tickets.Length; i++)
        {
            AdmissionGate.Settle(ref tickets[i], tickets[i].IsEmpty ? 0 : Usd, 0, Noon);
        }

        long unreserved = mode == ReserveMode.Learned ? admitted * (Usd * 3 / 4) : 0;
        Assert.True(Read(scope).SpentNanoUsd <= (3 * Usd) + unreserved);
        Assert.False(AdmissionGate.TryAdmit([scope], Request(1), out _, out _));
    }

    [Fact]
    public void A_request_that_does_not_fit_when_all_of_it_is_known_holds_nothing_and_is_settled_all_the_same()
    {
        AdmissionScope key = Scope(100 * Usd);
        AdmissionScope team = Scope(2 * Usd, kind: ScopeKind.Team);
        AdmissionTicket other = Admit([key, team], Usd);
        AdmissionTicket ticket = Admit([key, team], Cent);
        Assert.False(AdmissionGate.TryRaise(ref ticket, null, Request(Usd + 1), out AdmissionRefusal refusal));
        Assert.Equal((RefusalReason.BudgetReserved, ScopeKind.Team), (refusal.Reason, refusal.Scope!.Kind));
        Assert.Equal((Usd, Usd), (Read(key).ReservedNanoUsd, Read(team).ReservedNanoUsd));
        Assert.Equal((2, 2), (key.InFlight, team.InFlight));

        // An answer that came before the body was whole is paid for.
        AdmissionGate.Settle(ref ticket, Cent, 7, Noon);
        AdmissionGate.Settle(ref other, 0, 0, Noon);
        Assert.All([key, team], scope => Assert.Equal((Cent, 0, 0), (Read(scope).SpentNanoUsd, Read(scope).ReservedNanoUsd, scope.InFlight)));
    }

    [Fact]
    public void A_better_estimate_takes_the_place_of_the_first_be_it_more_or_less()
    {
        AdmissionScope scope = Scope(3 * Usd);
        AdmissionTicket ticket = Admit([scope], 2 * Usd);
        Assert.True(AdmissionGate.TryRaise(ref ticket, null, Request(3 * Usd), out _));
        Assert.Equal(3 * Usd, Read(scope).ReservedNanoUsd);
        Assert.True(AdmissionGate.TryRaise(ref ticket, null, Request(Cent), out _));
        Assert.Equal(Cent, Read(scope).ReservedNanoUsd);
        AdmissionGate.Settle(ref ticket, 0, 0, Noon);
        Assert.Equal(0, Read(scope).ReservedNanoUsd);
    }

    [Fact]
    public void A_body_that_drips_keeps_nobody_else_of_the_team_out()
    {
        AdmissionScope key = Scope(100 * Usd);
        AdmissionScope[] shared = [.. new[] { ScopeKind.Team, ScopeKind.User, ScopeKind.Member }.Select(kind => Scope(5 * Usd, kind: kind))];
        Assert.True(AdmissionGate.TryAdmit([key, .. shared], Request(5 * Usd, partial: true), out AdmissionTicket dripping, out _));
        Assert.Equal(5 * Usd, Read(key).ReservedNanoUsd);
        Assert.All(shared, scope => Assert.Equal(0, Read(scope).ReservedNanoUsd));
        AdmissionTicket other = Admit([Scope(Usd), .. shared], Usd);

        // When it is whole it is judged as any other.
        Assert.False(AdmissionGate.TryRaise(ref dripping, null, Request(5 * Usd), out AdmissionRefusal refusal));
        Assert.Equal(RefusalReason.BudgetReserved, refusal.Reason);
        AdmissionGate.Settle(ref other, 0, 0, Noon);
        AdmissionGate.Settle(ref dripping, 0, 0, Noon);
        Assert.All([key, .. shared], scope => Assert.Equal((0, 0), (Read(scope).ReservedNanoUsd, scope.InFlight)));
    }

    [Fact]
    public void A_body_that_drips_past_midnight_is_judged_by_the_new_day()
    {
        AdmissionScope scope = Scope(Usd);
        AdmissionTicket[] tickets = new AdmissionTicket[10];
        int admitted = 0;
        foreach (ref AdmissionTicket ticket in tickets.AsSpan())
        {
            Assert.True(AdmissionGate.TryAdmit([scope], Request(Cent, partial: true), out ticket, out _));
        }

        foreach (ref AdmissionTicket ticket in tickets.AsSpan())
        {
            admitted += AdmissionGate.TryRaise(ref ticket, null, Request(Usd / 2, now: Noon + Day), out _) ? 1 : 0;
        }

        Assert.Equal(2, admitted);
        foreach (ref AdmissionTicket ticket in tickets.AsSpan())
        {
            AdmissionGate.Settle(ref ticket, 0, 0, Noon + Day);
        }

        Assert.Equal(0, Read(scope, Noon + Day).ReservedNanoUsd);
    }

    [Fact]
    public void The_models_own_budget_is_judged_when_the_model_is_known()
    {
        AdmissionScope key = Scope(100 * Usd);
        AdmissionScope model = Scope(Usd, kind: ScopeKind.KeyModel);
        AdmissionTicket first = Admit([key], Cent);
        Assert.True(AdmissionGate.TryRaise(ref first, model, Request(Usd), out _));
        Assert.True(AdmissionGate.TryRaise(ref first, model, Request(Usd), out _));
        Assert.Equal((Usd, 1), (Read(model).ReservedNanoUsd, model.InFlight));
        AdmissionTicket second = Admit([key], Cent);
        Assert.False(AdmissionGate.TryRaise(ref second, model, Request(Usd), out AdmissionRefusal refusal));
        Assert.Equal(ScopeKind.KeyModel, refusal.Scope!.Kind);
        Assert.Equal((Usd, Usd), (Read(key).ReservedNanoUsd, Read(model).ReservedNanoUsd));
        AdmissionGate.Settle(ref first, Usd, 0, Noon);
        AdmissionGate.Settle(ref second, 0, 0, Noon);
        Assert.Equal((Usd, 0, 0), (Read(model).SpentNanoUsd, Read(model).ReservedNanoUsd, model.InFlight));
    }

    [Fact]
    public void An_answer_that_runs_on_is_reserved_for_as_far_as_it_has_come_and_a_quarter()
    {
        AdmissionScope scope = Scope(100 * Usd);
        CostEstimate estimate = new(InputNanoUsd: Usd, OutputNanoUsd: 10 * Usd, OutputTokens: 1000);
        Assert.True(AdmissionGate.TryAdmit([scope], Request(2 * Usd, worst: estimate.WorstNanoUsd), out AdmissionTicket ticket, out _));
        AdmissionGate.TopUp(ref ticket, estimate, 100);
        Assert.Equal(2 * Usd, Read(scope).ReservedNanoUsd);
        AdmissionGate.TopUp(ref ticket, estimate, 200);
        Assert.Equal(350 * Cent, Read(scope).ReservedNanoUsd);
        AdmissionGate.TopUp(ref ticket, estimate, long.MaxValue);
        Assert.Equal(11 * Usd, Read(scope).ReservedNanoUsd);
        Assert.False(AdmissionGate.TryAdmit([scope], Request(90 * Usd), out _, out _));
        AdmissionGate.Settle(ref ticket, 0, 0, Noon);
        Assert.Equal(0, Read(scope).ReservedNanoUsd);
    }

    [Fact]
    public void What_a_budget_reserves_by_may_change_while_requests_are_under_way()
    {
        AdmissionScope scope = Scope(10 * Usd);
        Assert.True(AdmissionGate.TryAdmit([scope], Request(Usd, worst: 8 * Usd), out AdmissionTicket ticket, out _));
        Assert.Equal(Usd, Read(scope).ReservedNanoUsd);
        scope.Limits = Daily(10 * Usd, ReserveMode.WorstCase);
        Assert.Equal(8 * Usd, Read(scope).ReservedNanoUsd);
        AdmissionGate.Settle(ref ticket, Usd, 0, Noon);
        Assert.Equal(0, Read(scope).ReservedNanoUsd);
    }

    [Fact]
    public void A_budget_that_is_added_reserves_for_what_is_under_way()
    {
        AdmissionScope scope = Scope(10 * Usd);
        AdmissionTicket ticket = Admit([scope], 2 * Usd);
        scope.Limits = new ScopeLimits { Budgets = [new Budget(BudgetPeriod.Forever, 2 * Usd)] };
        Assert.False(AdmissionGate.TryAdmit([scope], Request(Cent), out _, out AdmissionRefusal refusal));
        Assert.Equal(RefusalReason.BudgetReserved, refusal.Reason);
        AdmissionGate.Settle(ref ticket, Usd, 0, Noon);
        Assert.Equal((Usd, 0), (Read(scope).SpentNanoUsd, Read(scope).ReservedNanoUsd));
    }

    [Fact]
    public void What_must_fit_does_not_use_up_the_rest_alone()
    {
        AdmissionScope scope = Scope(Usd);
        AdmissionRequest request = Request(Usd + 1) with { MustFit = true };
        Assert.False(AdmissionGate.TryAdmit([scope], request, out _, out AdmissionRefusal refusal));
        Assert.Equal((RefusalReason.BudgetShort, 43_200), (refusal.Reason, refusal.RetryAfterSeconds));
        Assert.True(AdmissionGate.TryAdmit([scope], Request(Usd) with { MustFit = true }, out _, out _));
    }

    [Fact]
    public void What_costs_nothing_is_not_kept_out_by_reservations()
    {
        AdmissionScope scope = Scope(Usd);
        _ = Admit([scope], 2 * Usd);
        Assert.True(AdmissionGate.TryAdmit([scope], Request(0), out _, out _));
        Assert.False(AdmissionGate.TryAdmit([scope], Request(1), out _, out _));
    }

    [Fact]
    public void Raising_and_topping_up_allocate_nothing()
    {
        AdmissionScope[] scopes = [Scope(Usd), Scope(Usd, kind: ScopeKind.Team)];
        AdmissionScope model = Scope(Usd, kind: ScopeKind.KeyModel);
        CostEstimate estimate = new(10, 100, 10);
        void Work()
        {
            Assert.True(AdmissionGate.TryAdmit(scopes, Request(5, partial: true), out AdmissionTicket ticket, out _));
            Assert.True(AdmissionGate.TryRaise(ref ticket, model, Request(20, worst: 110), out _));
            AdmissionGate.TopUp(ref ticket, estimate, 5);
            AdmissionGate.Settle(ref ticket, 0, 0, Noon);
        }

        Work();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Work();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static AdmissionScope Scope(long limit, ReserveMode mode = ReserveMode.Learned, ScopeKind kind = ScopeKind.Key) =>
        new(kind, "k") { Limits = Daily(limit, mode) };

    private static ScopeLimits Daily(long limit, ReserveMode mode)
    {
        Assert.True(BudgetPeriod.TryParse("1d", out BudgetPeriod daily));
        return new ScopeLimits { Budgets = [new Budget(daily, limit) { Reserve = mode }] };
    }

    private static AdmissionRequest Request(long expected, long worst = 0, bool partial = false, long? now = null) =>
        new(now ?? Noon, expected, IsCompanyPaid: true) { WorstNanoUsd = worst, IsPartial = partial };

    private static AdmissionTicket Admit(AdmissionScope[] scopes, long expected)
    {
        Assert.True(AdmissionGate.TryAdmit(scopes, Request(expected), out AdmissionTicket ticket, out _));
        return ticket;
    }

    private static BudgetState Read(AdmissionScope scope, long? now = null)
    {
        List<BudgetState> states = [];
        scope.ReadBudgets(now ?? Noon, states);
        return states[0];
    }
}
