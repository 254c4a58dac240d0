using Proxy.Simulator;
using Proxy.Simulator.Records;
using Proxy.Simulator.Usage;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>Compares a row of the ledger with what the simulator put on the wire for that request.</summary>
internal static class LedgerTruth
{
    public static void AssertEqual(SimulatorServer simulator, SpendRow row)
    {
        Assert.True(simulator.Truth.TryGet(row.UpstreamRequestId, out TruthRecord? truth), $"unknown request-id {row.UpstreamRequestId}");
        Assert.Equal(truth.Status, row.Status);
        bool billed = truth.Kind == "messages" && truth.Status == 200;
        SimUsage sent = billed && truth.Sent is { } usage ? usage : new SimUsage();
        if (billed && truth.Sent is not null)
        {
            Assert.Equal(truth.Model, row.ModelServed);
        }

        Assert.Equal(sent.InputTokens, row.InputTokens);
        Assert.Equal(sent.CacheReadInputTokens, row.CacheReadInputTokens);
        Assert.Equal(sent.CacheCreationInputTokens, row.CacheCreationInputTokens);
        Assert.Equal(sent.Ephemeral5mInputTokens ?? 0, row.CacheCreation5mInputTokens);
        Assert.Equal(sent.Ephemeral1hInputTokens ?? 0, row.CacheCreation1hInputTokens);
        Assert.Equal(sent.ThinkingTokens ?? 0, row.ThinkingTokens);
        Assert.Equal(sent.WebSearchRequests ?? 0, row.WebSearchRequests);
        Assert.Equal(sent.WebFetchRequests ?? 0, row.WebFetchRequests);
        Assert.Equal(sent.ServiceTier ?? "", row.ServiceTier);
        Assert.Equal(sent.Speed ?? "", row.Speed);
        Assert.Equal(sent.Iterations?.Count ?? 0, row.IterationCount);
        Assert.Equal(truth.ErrorType is not null && truth.Streamed && truth.Status == 200, row.EndReason == "upstream_error_event");
        if (row.IsEstimated)
        {
            // What was delivered and not yet reported: about four bytes of text a token, never less than reported.
            Assert.Equal(Math.Max(sent.OutputTokens, truth.SentTextBytes / 4), row.OutputTokens);
            Assert.True(row.IsIncomplete);
        }
        else
        {
            Assert.Equal(sent.OutputTokens, row.OutputTokens);
        }
    }
}
