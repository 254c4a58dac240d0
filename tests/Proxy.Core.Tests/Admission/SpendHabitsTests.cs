using CsCheck;
using Proxy.Core.Admission;

namespace Proxy.Core.Tests.Admission;

/// <summary>What is reserved for a request by what such requests came to before.</summary>
public sealed class SpendHabitsTests
{
    private const long Usd = 1_000_000_000;

    // Ninety thousand tokens of input and 32,000 of output, as Claude Code asks of claude-opus-5.
    private static readonly CostEstimate Agent = new(90_000 * 6250L, 32_000 * 25_000L, 32_000);
    private static readonly ulong Id = SpendHabits.IdOf("key", "claude-opus-5"u8);
    private static readonly long Noon = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public void A_burst_of_ten_agents_on_five_dollars_passes_from_the_first_day_on()
    {
        SpendHabits habits = new();
        Assert.True(BudgetPeriod.TryParse("1d", out BudgetPeriod daily));
        AdmissionScope scope = new(ScopeKind.Key, "k") { Limits = new ScopeLimits { Budgets = [new Budget(daily, 5 * Usd)] } };
        for (int burst = 0; burst < 3; burst++)
        {
            AdmissionTicket[] tickets = new AdmissionTicket[10];
            foreach (ref AdmissionTicket ticket in tickets.AsSpan())
            {
                Stake stake = habits.Expect(Id, Agent).Stake;
                AdmissionRequest request = new(Noon, stake.ExpectedNanoUsd, IsCompanyPaid: true) { WorstNanoUsd = stake.WorstNanoUsd };
                Assert.True(AdmissionGate.TryAdmit([scope], request, out ticket, out _));
            }

            foreach (ref AdmissionTicket ticket in tickets.AsSpan())
            {
                // Mostly read from the cache, 600 tokens out: 6 cents, 45 in all at first.
                AdmissionGate.Settle(ref ticket, Usd * 6 / 100, 0, Noon);
                habits.Learn(Id, Agent, Usd * 6 / 100, 600);
            }
        }
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(100, 7)]
    public void Two_hundred_that_all_cost_the_most_after_a_time_of_cheap_ones_overspend_by_the_written_bound_at_most(int cheapOnes, int bound)
    {
        SpendHabits habits = new();
        for (int i = 0; i < cheapOnes; i++)
        {
            habits.Learn(Id, Agent, 1000, 20);
        }

        long limit = 3 * Agent.WorstNanoUsd;
        AdmissionScope scope = new(ScopeKind.Key, "k") { Limits = new ScopeLimits { Budgets = [new Budget(BudgetPeriod.Forever, limit)] } };
        AdmissionTicket[] tickets = new AdmissionTicket[200];
        Parallel.For(0, tickets.Length, i =>
        {
            Stake stake = habits.Expect(Id, Agent).Stake;
            AdmissionRequest request = new(Noon, stake.ExpectedNanoUsd, IsCompanyPaid: true) { WorstNanoUsd = stake.WorstNanoUsd };
            _ = AdmissionGate.TryAdmit([scope], request, out tickets[i], out _);
        });
        for (int i = 0; i < tickets.Length; i++)
        {
            AdmissionGate.Settle(ref tickets[i], Agent.WorstNanoUsd, 0, Noon);
        }

        List<BudgetState> states = [];
        scope.ReadBudgets(Noon, states);
        Assert.InRange(states[0].SpentNanoUsd - limit, 0, bound * limit);
    }

    [Fact]
    public void It_begins_with_a_quarter_of_the_worst_and_comes_down_to_what_is_really_written()
    {
        SpendHabits habits = new();
        Assert.Equal(new Stake(Agent.WorstNanoUsd / 4, Agent.WorstNanoUsd), habits.Expect(Id, Agent).Stake);
        CostEstimate small = new(1000, 8_000_000, 8_000);
        for (int i = 0; i < 8; i++)
        {
            habits.Learn(Id, small, 500 + 2_000_000, 2000);
        }

        // Between the steps of 2,000 and 2,048 tokens, and half of the input.
        Expectation expected = habits.Expect(Id, small);
        Assert.Equal(500 + 2_048_000, expected.Stake.ExpectedNanoUsd);
        Assert.Equal(small with { InputNanoUsd = 500 }, expected.Running);
    }

    [Fact]
    public void One_that_writes_much_is_reckoned_with_at_once_and_forgotten_slowly()
    {
        SpendHabits habits = new();
        CostEstimate estimate = new(1000, 100_000_000, 100_000);
        habits.Learn(Id, estimate, 90_000_000, 90_000);
        Assert.InRange(habits.Expect(Id, estimate).Stake.ExpectedNanoUsd, 90_000_000, estimate.WorstNanoUsd);
        for (int i = 0; i < 1000; i++)
        {
            habits.Learn(Id, estimate, 20_000_000, 20_000);
        }

        Assert.InRange(habits.Expect(Id, estimate).Stake.ExpectedNanoUsd, 20_000_000, 30_000_000);

        // One of twenty does not count, two do.
        for (int i = 0; i < 40; i++)
        {
            habits.Learn(Id, estimate, 90_000_000, 90_000);
        }

        Assert.InRange(habits.Expect(Id, estimate).Stake.ExpectedNanoUsd, 90_000_000, estimate.WorstNanoUsd);
    }

    [Fact]
    public void Whatever_was_learned_nothing_is_reckoned_below_an_eighth_or_above_the_worst() =>
        Gen.Select(Gen.Long[1, 1L << 40], Gen.Long[0, 1L << 40], Gen.Long[0, 1_000_000], Gen.Long[0, 1L << 41], Gen.Int[0, 600]).Sample(
            (input, output, tokens, cost, times) =>
            {
                SpendHabits habits = new(256);
                CostEstimate estimate = new(input, output, tokens);
                for (int i = 0; i < times; i++)
                {
                    habits.Learn(Id, estimate, cost, tokens / (1 + (i % 50)));
                }

                Stake stake = habits.Expect(Id, estimate).Stake;
                Assert.InRange(stake.ExpectedNanoUsd, estimate.WorstNanoUsd / 8, estimate.WorstNanoUsd);
                Assert.Equal(estimate.WorstNanoUsd, stake.WorstNanoUsd);
            },
            iter: 300);

    [Fact]
    public void Keys_and_models_learn_apart_and_of_too_many_the_oldest_are_forgotten_without_allocating()
    {
        SpendHabits habits = new(256);
        CostEstimate estimate = new(1000, 100_000_000, 100_000);
        for (int i = 0; i < 8; i++)
        {
            habits.Learn(Id, estimate, 500, 20);
        }

        Assert.Equal(estimate.WorstNanoUsd / 8, habits.Expect(Id, estimate).Stake.ExpectedNanoUsd);
        Assert.Equal(estimate.WorstNanoUsd / 4, habits.Expect(SpendHabits.IdOf("key", "claude-haiku-4-5"u8), estimate).Stake.ExpectedNanoUsd);
        Assert.Equal(estimate.WorstNanoUsd / 4, habits.Expect(SpendHabits.IdOf("kez", "claude-opus-5"u8), estimate).Stake.ExpectedNanoUsd);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong other = 1; other < 20_000; other++)
        {
            habits.Learn(other, estimate, 500, 20);
            _ = habits.Expect(other, estimate);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(estimate.WorstNanoUsd / 4, habits.Expect(Id, estimate).Stake.ExpectedNanoUsd);
    }

    [Fact]
    public void An_answer_that_was_expected_to_be_short_is_topped_up_by_its_output_alone()
    {
        SpendHabits habits = new();
        for (int i = 0; i < 20; i++)
        {
            habits.Learn(Id, Agent, Usd * 6 / 100, 600);
        }

        Expectation expected = habits.Expect(Id, Agent);
        AdmissionScope scope = new(ScopeKind.Key, "k") { Limits = new ScopeLimits { Budgets = [new Budget(BudgetPeriod.Forever, 5 * Usd)] } };
        AdmissionRequest request = new(Noon, expected.Stake.ExpectedNanoUsd, IsCompanyPaid: true) { WorstNanoUsd = expected.Stake.WorstNanoUsd };
        Assert.True(AdmissionGate.TryAdmit([scope], request, out AdmissionTicket ticket, out _));
        AdmissionGate.TopUp(ref ticket, expected.Running, 600);
        Assert.Equal(expected.Stake.ExpectedNanoUsd, ticket.ReservedNanoUsd);
        AdmissionGate.TopUp(ref ticket, expected.Running, 20_000);
        Assert.Equal(expected.Running.InputNanoUsd + (25_000 * 25_000L), ticket.ReservedNanoUsd);
        AdmissionGate.Settle(ref ticket, 0, 0, Noon);
    }
}
