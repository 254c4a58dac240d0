using System.Reflection;
using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>A fault at any step of the finish leaves no reservation, no parallel place and no slot behind, and exactly one record.</summary>
public sealed class BookingFaultTests
{
    private const long Usd = 1_000_000_000;
    private const string Body = """{"model":"claude-sonnet-5","max_tokens":100000}""";
    private const string Answer = """{"id":"msg_1","model":"claude-sonnet-5","usage":{"input_tokens":0,"output_tokens":1000}}""";

    [Theory]
    [InlineData("nothing")]
    [InlineData("meter")]
    [InlineData("pricing")]
    [InlineData("settle")]
    [InlineData("complete")]
    [InlineData("flush")]
    public async Task Whatever_fails_at_the_end_nothing_is_left_held_and_one_record_is_booked(string step)
    {
        Assert.True(BudgetPeriod.TryParse("1d", out BudgetPeriod day));
        ScopeLimits limits = new() { Budgets = [new Budget(day, 100 * Usd)], ParallelRequests = 1 };
        AdmissionScope team = new(ScopeKind.Team, "t") { Limits = limits };
        AdmissionScope key = new(ScopeKind.Key, "k") { Limits = limits };
        await using Bench bench = new(
            principal: new Principal { Key = new KeyIdentity(Bench.KeyHash), Scopes = [team, key], Workspace = WorkspaceAccess.All });
        PriceBook prices = Copy(PriceBook.BuiltIn);
        bench.Gateway.Snapshot = bench.Gateway.Snapshot with { Prices = prices };

        bool isBatch = step == "meter";
        await bench.Client.SendAsync(isBatch ? Bench.Get("/anthropic/v1/messages/batches/msgbatch_1/results") : Bench.Post(Body));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync(isBatch ? "\r\n\r\n" : "}");
        Assert.Equal((1, 1), (team.InFlight, key.InFlight));
        switch (step)
        {
            case "meter":
                // A last line without its end is booked at the end of the body.
                bench.Sink.FailClaims = true;
                break;
            case "pricing":
                Break(prices, "_models");
                Break(prices, "_fallback");
                break;
            case "settle":
                Break(team, "_windows");
                break;
            case "complete":
                bench.Sink.FailNextComplete = true;
                break;
        }

        string body = isBatch ? """{"custom_id":"a","result":{"type":"succeeded","message":{"id":"m","usage":{"input_tokens":1}}}}""" : Answer;
        await upstream.RespondAsync(Bench.Ok(body, isBatch ? "" : "Connection: close\r\n"));
        if (step == "flush")
        {
            bench.Client.Received.Complete();
        }

        SpendRecord record = await bench.Sink.NextAsync(0);
        if (step == "complete")
        {
            await bench.Running;
        }

        Assert.Equal(200, record.Status);
        Assert.Equal((0, 0), (team.InFlight, key.InFlight));
        Assert.Equal(0, Read(key, bench).ReservedNanoUsd);
        Assert.Equal(0, bench.Sink.Outstanding);
        _ = Assert.Single(bench.Sink.Done);
        if (step is "nothing" or "settle" or "complete")
        {
            Assert.Equal(Usd / 100, Read(key, bench).SpentNanoUsd);
            Assert.Equal((EndReason.Complete, Usd / 100), (record.EndReason, record.CostNanoUsd));
        }
    }

    private static BudgetState Read(AdmissionScope scope, Bench bench)
    {
        List<BudgetState> states = [];
        scope.ReadBudgets(bench.Time.GetUtcNow().ToUnixTimeMilliseconds(), states);
        return states[0];
    }

    private static T Copy<T>(T original)
        where T : class =>
        (T)typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!.Invoke(original, null)!;

    /// <summary>Takes away what an object cannot do without.</summary>
    private static void Break(object target, string field) =>
        target.GetType().GetField(field, BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(target, null);
}
