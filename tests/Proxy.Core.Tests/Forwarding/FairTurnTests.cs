using Proxy.Core.Forwarding;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>Whatever a peer keeps fed gives its thread back: with inline completions that thread also accepts, and serves everybody else.</summary>
public sealed class FairTurnTests
{
    [Fact]
    public async Task Pipelined_requests_that_never_have_to_wait_take_a_bounded_number_of_steps_a_turn()
    {
        const int Requests = 1000;
        await using Bench bench = new(outputPause: 0);
        string refused = Bench.Get("/anthropic/v1/files");

        // The gateway runs inline: what it does before it gives the thread back, it does in here.
        Task sending = bench.Client.SendAsync(string.Concat(Enumerable.Repeat(refused, Requests)));
        int here = Environment.CurrentManagedThreadId;
        int served = 0;
        foreach (int thread in bench.Sink.Threads.ToArray())
        {
            served += thread == here ? 1 : 0;
        }

        Assert.InRange(served, 1, TurnBudget.Quota);
        await sending;
        for (int i = 0; i < Requests; i++)
        {
            _ = await bench.Client.ReadAnswerAsync();
        }

        _ = await bench.Sink.NextAsync(Requests - 1);
    }
}
