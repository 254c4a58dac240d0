using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Forwarding;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>A loop that is always fed gives its thread back after a bounded amount of work.</summary>
public sealed class TurnBudgetTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CoarseClock _clock;
    private readonly TurnBudget _turn;

    public TurnBudgetTests()
    {
        _clock = new CoarseClock(_time);
        _turn = new TurnBudget(_clock);
    }

    public void Dispose() => _clock.Dispose();

    [Fact]
    public void Small_steps_end_a_turn()
    {
        for (int i = 1; i < TurnBudget.Quota; i++)
        {
            Assert.False(_turn.Spend(40), $"step {i}");
        }

        Assert.True(_turn.Spend(40));
    }

    [Theory]
    [InlineData(64 * 1024, 4)]
    [InlineData(512 * 1024, 1)]
    [InlineData(long.MaxValue / 2, 1)]
    public void Bytes_end_a_turn_sooner(long bytes, int steps)
    {
        for (int i = 1; i < steps; i++)
        {
            Assert.False(_turn.Spend(bytes));
        }

        Assert.True(_turn.Spend(bytes));
    }

    [Fact]
    public void What_is_spent_slowly_never_ends_a_turn()
    {
        for (int i = 0; i < 10 * TurnBudget.Quota; i++)
        {
            Assert.False(_turn.Spend(0));
            if (i % 32 == 0)
            {
                _time.Advance(CoarseClock.Period);
            }
        }
    }

    [Fact]
    public async Task A_new_turn_begins_on_the_pool_and_never_at_once()
    {
        for (int round = 0; round < 100; round++)
        {
            Assert.True(_turn.Spend(long.MaxValue / 2));
            ValueTask yielded = _turn.YieldAsync();
            Assert.False(yielded.IsCompleted);
            await yielded;
            Assert.True(Thread.CurrentThread.IsThreadPoolThread);
            Assert.False(_turn.Spend(0));
        }
    }

    [Fact]
    public async Task A_loop_that_is_always_fed_gives_the_thread_of_the_events_back_after_one_turn()
    {
        using ManualResetEventSlim isBack = new();
        int steps = 0;
        int stepsOfFirstTurn = 0;
        int eventThread = 0;
        Task loop = Task.CompletedTask;

        // As a socket's completion runs inline: on a thread that is not the pool's.
        Thread events = new(() =>
        {
            eventThread = Environment.CurrentManagedThreadId;
            loop = RunAsync();
            stepsOfFirstTurn = steps;
            isBack.Set();
        });
        events.Start();
        events.Join();
        await loop;
        Assert.Equal(TurnBudget.Quota, stepsOfFirstTurn);
        Assert.Equal(10 * TurnBudget.Quota, steps);

        async Task RunAsync()
        {
            while (++steps < 10 * TurnBudget.Quota)
            {
                if (_turn.Spend(0))
                {
                    await _turn.YieldAsync();
                    Assert.NotEqual(eventThread, Environment.CurrentManagedThreadId);
                    isBack.Wait(TestContext.Current.CancellationToken);
                }
            }
        }
    }

    [Fact]
    public void A_yield_is_awaited_once()
    {
        ValueTask first = _turn.YieldAsync();
        ValueTask second = _turn.YieldAsync();
        Assert.False(second.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => first.IsCompleted);
    }
}
