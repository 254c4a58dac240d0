using Proxy.Core.Admission;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Admission;

public sealed class BudgetTests
{
    private const long Usd = 1_000_000_000;
    private const long Day = 86_400_000;
    private static readonly long Noon = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Theory]
    [InlineData(Usd, 3)]
    [InlineData(Usd * 5, 1)]
    [InlineData(Usd / 10, 30)]
    public void A_hundred_parallel_requests_are_let_in_only_as_far_as_the_money_reaches(long estimate, int admitted)
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1d", 3 * Usd)] });
        AdmissionTicket[] tickets = new AdmissionTicket[100];
        int passed = 0;
        Parallel.For(0, tickets.Length, i =>
        {
            if (Try(scope, estimate, out tickets[i], out AdmissionRefusal refusal))
            {
                Interlocked.Increment(ref passed);
            }
            else
            {
                Assert.Equal(RefusalReason.BudgetReserved, refusal.Reason);
            }
        });
        Assert.Equal(admitted, passed);

        // Each really costs a dollar: what is overspent is what the estimates were too low by.
        for (int i = 0; i < tickets.Length; i++)
        {
            AdmissionGate.Settle(ref tickets[i], Usd, 0, Noon);
        }

        Assert.Equal((passed * Usd, 0), (Read(scope).SpentNanoUsd, Read(scope).ReservedNanoUsd));
        Assert.Equal(0, scope.InFlight);
        Assert.Equal(passed < 3, Try(scope, Usd, out _, out AdmissionRefusal after));
        Assert.True(passed < 3 || after.Reason == RefusalReason.BudgetSpent);
    }

    [Fact]
    public void A_spent_budget_says_when_it_starts_anew_and_does()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1d", Usd), Of("1mo", 10 * Usd)] });
        Spend(scope, Usd, Noon);
        Assert.False(Try(scope, 1, out _, out AdmissionRefusal refusal, Noon + 1));
        Assert.Equal((RefusalReason.BudgetSpent, "daily", Noon + (Day / 2), 43_200), (refusal.Reason, refusal.Budget!.Name, refusal.ResetsAtUnixMs, refusal.RetryAfterSeconds));
        Assert.False(Try(scope, 1, out _, out refusal, Noon + (Day / 2) - 1));
        Assert.Equal(1, refusal.RetryAfterSeconds);
        Assert.True(Try(scope, 1, out _, out _, Noon + (Day / 2)));
    }

    [Fact]
    public void Of_several_spent_budgets_the_one_that_lasts_longest_is_told()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1mo", Usd), Of("1d", Usd)] });
        Spend(scope, Usd, Noon);
        Assert.False(Try(scope, 1, out _, out AdmissionRefusal refusal));
        Assert.Equal("monthly", refusal.Budget!.Name);
    }

    [Fact]
    public void A_budget_without_a_period_never_starts_anew()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of(null, Usd)] });
        Spend(scope, Usd, Noon);
        Assert.False(Try(scope, 1, out _, out AdmissionRefusal refusal, Noon + (4000 * Day)));
        Assert.Equal((long.MaxValue, 0), (refusal.ResetsAtUnixMs, refusal.RetryAfterSeconds));
    }

    [Fact]
    public void A_request_counts_in_the_window_it_began_in()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1d", Usd), Of("1mo", 10 * Usd)] });
        Assert.True(Try(scope, Usd, out AdmissionTicket ticket, out _));
        AdmissionGate.Settle(ref ticket, Usd, 0, Noon + Day);
        BudgetState[] states = ReadAll(scope, Noon + Day);
        Assert.Equal([0, Usd], states.Select(state => state.SpentNanoUsd));
        Assert.All(states, state => Assert.Equal(0, state.ReservedNanoUsd));
    }

    [Fact]
    public void What_clients_pay_counts_only_where_the_key_says_so()
    {
        AdmissionScope company = Scope(new ScopeLimits { Budgets = [Of("1d", Usd)] });
        AdmissionScope all = Scope(new ScopeLimits { Budgets = [Of("1d", Usd)], CountsClientPaid = true });
        foreach (AdmissionScope scope in new[] { company, all })
        {
            Assert.True(AdmissionGate.TryAdmit([scope], new AdmissionRequest(Noon, Usd, IsCompanyPaid: false), out AdmissionTicket ticket, out _));
            AdmissionGate.Settle(ref ticket, 2 * Usd, 0, Noon);
        }

        Assert.Equal(0, Read(company).SpentNanoUsd);
        Assert.Equal(2 * Usd, Read(all).SpentNanoUsd);
        Assert.True(AdmissionGate.TryAdmit([company], new AdmissionRequest(Noon, Usd, IsCompanyPaid: false), out _, out _));
        Assert.False(AdmissionGate.TryAdmit([all], new AdmissionRequest(Noon, Usd, IsCompanyPaid: false), out _, out _));
    }

    [Fact]
    public void A_temporary_increase_ends()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1mo", Usd)], TemporaryIncreaseNanoUsd = Usd, TemporaryIncreaseEndsUnixMs = Noon + 1000 });
        Spend(scope, Usd, Noon);
        Assert.True(Try(scope, 1, out AdmissionTicket ticket, out _, Noon + 999));
        AdmissionGate.Settle(ref ticket, 0, 0, Noon + 999);
        Assert.False(Try(scope, 1, out _, out _, Noon + 1000));
    }

    [Fact]
    public void A_correction_counts_until_its_window_ends()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1d", Usd)] });
        Spend(scope, Usd, Noon);
        BudgetState state = Read(scope);
        scope.SetAdjustment(state.Period, state.StartedUnixMs, -Usd);
        Assert.Equal(0, Read(scope).SpentNanoUsd);
        Spend(scope, Usd, Noon);
        Assert.False(Try(scope, 1, out _, out _));
        Assert.Equal(0, ReadAll(scope, Noon + Day)[0].SpentNanoUsd);
        Spend(scope, Usd / 2, Noon + Day);
        Assert.Equal(Usd / 2, ReadAll(scope, Noon + Day)[0].SpentNanoUsd);
    }

    [Fact]
    public void What_the_ledger_knows_counts_in_its_window_only()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1d", Usd), Of(null, Usd)] });
        BudgetPeriod daily = Of("1d");
        scope.AddSpent(daily, daily.StartOf(Noon - Day), Usd);
        Assert.Equal(0, Read(scope).SpentNanoUsd);
        scope.AddSpent(daily, daily.StartOf(Noon), Usd / 2);
        scope.AddSpent(daily, daily.StartOf(Noon - Day), Usd);
        scope.AddSpent(BudgetPeriod.Forever, 0, Usd / 4);
        Assert.Equal([Usd / 2, Usd / 4], ReadAll(scope, Noon).Select(state => state.SpentNanoUsd));
    }

    [Fact]
    public void New_limits_keep_the_counters_of_the_periods_that_stay()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1d", Usd), Of("7d", Usd)] });
        Assert.True(Try(scope, Usd / 4, out AdmissionTicket ticket, out _));
        scope.Limits = new ScopeLimits { Budgets = [Of("1mo", 9 * Usd), Of("1d", 2 * Usd)] };
        AdmissionGate.Settle(ref ticket, Usd / 2, 0, Noon);
        BudgetState[] states = ReadAll(scope, Noon);
        Assert.Equal([9 * Usd, 2 * Usd], states.Select(state => state.LimitNanoUsd));
        Assert.Equal(Usd / 2, states[1].SpentNanoUsd);
        Assert.All(states, state => Assert.Equal(0, state.ReservedNanoUsd));
    }

    [Fact]
    public void A_soft_budget_is_told_once_a_window()
    {
        AdmissionScope scope = Scope(new ScopeLimits { SoftBudgetNanoUsd = Usd, Budgets = [Of("1d", 9 * Usd)] });
        Assert.False(scope.TakeSoftBudgetCrossed(Noon));
        Spend(scope, Usd, Noon);
        Assert.True(scope.TakeSoftBudgetCrossed(Noon));
        Assert.False(scope.TakeSoftBudgetCrossed(Noon));
        Spend(scope, Usd, Noon + Day);
        Assert.True(scope.TakeSoftBudgetCrossed(Noon + Day));

        AdmissionScope alone = Scope(new ScopeLimits { SoftBudgetNanoUsd = Usd });
        Spend(alone, 5 * Usd, Noon);
        Assert.True(alone.TakeSoftBudgetCrossed(Noon));
        Assert.True(Try(alone, Usd, out _, out _));
    }

    [Fact]
    public void A_better_estimate_is_reserved_and_given_back()
    {
        AdmissionScope scope = Scope(new ScopeLimits { Budgets = [Of("1d", 3 * Usd)] });
        Assert.True(Try(scope, Usd, out AdmissionTicket ticket, out _));
        AdmissionGate.Raise(ref ticket, 2 * Usd);
        AdmissionGate.Raise(ref ticket, Usd);
        Assert.Equal(2 * Usd, Read(scope).ReservedNanoUsd);
        AdmissionGate.Settle(ref ticket, 0, 0, Noon);
        AdmissionGate.Settle(ref ticket, Usd, 0, Noon);
        Assert.Equal((0, 0), (Read(scope).ReservedNanoUsd, Read(scope).SpentNanoUsd));
    }

    private static Budget Of(string? period, long nano) => new(Of(period), nano);

    private static BudgetPeriod Of(string? period)
    {
        Assert.True(BudgetPeriod.TryParse(period, out BudgetPeriod parsed));
        return parsed;
    }

    private static AdmissionScope Scope(ScopeLimits limits) => new(ScopeKind.Key, "k") { Limits = limits };

    private static bool Try(AdmissionScope scope, long estimate, out AdmissionTicket ticket, out AdmissionRefusal refusal, long? now = null) =>
        AdmissionGate.TryAdmit([scope], new AdmissionRequest(now ?? Noon, estimate, IsCompanyPaid: true), out ticket, out refusal);

    private static void Spend(AdmissionScope scope, long nano, long now)
    {
        Assert.True(Try(scope, 0, out AdmissionTicket ticket, out _, now));
        AdmissionGate.Settle(ref ticket, nano, 0, now);
    }

    private static BudgetState Read(AdmissionScope scope) => ReadAll(scope, Noon)[0];

    private static BudgetState[] ReadAll(AdmissionScope scope, long now)
    {
        List<BudgetState> states = [];
        scope.ReadBudgets(now, states);
        return [.. states];
    }
}
