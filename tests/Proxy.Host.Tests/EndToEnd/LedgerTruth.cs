using Proxy.Host.Tests.Storage;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
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
        bool isErrorEvent = truth.ErrorType is not null && truth.Streamed && truth.Status == 200;
        Assert.Equal(isErrorEvent, row.EndReason == EndReason.UpstreamErrorEvent);
        Assert.Equal(truth.Outcome == Outcome.Cut, row.EndReason == EndReason.UpstreamCut);
        AssertUsage(truth, row);
    }

    /// <summary>The counters alone, however the exchange ended.</summary>
    public static void AssertUsage(TruthRecord truth, SpendRow row)
    {
        bool billed = truth.Kind == "messages" && truth.Status == 200;
        SimUsage sent = billed && truth.Sent is { } usage ? usage : new SimUsage();
        if (billed && truth.Sent is not null)
        {
            Assert.Equal(truth.Model, row.ModelServed);
        }

        bool isErrorEvent = truth.ErrorType is not null && truth.Streamed && truth.Status == 200;

        // The 1 of message_start is a placeholder: an error before any output leaves none. What was delivered and not yet reported is estimated, about four bytes of text a token; an error before any output costs nothing.
        bool isEstimated = row.Flags.HasFlag(SpendFlags.Estimated);
        long output = isEstimated ? Math.Max(sent.OutputTokens, truth.SentTextBytes / 4)
            : isErrorEvent && truth.SentTextBytes == 0 && row.Usage.OutputTokens == 0 ? 0
            : sent.OutputTokens;
        Assert.Equal(Expected(sent, output), row.Usage);
        Assert.True(!isEstimated || row.Flags.HasFlag(SpendFlags.Incomplete));

        Assert.Equal(sent.Iterations?.Count ?? 0, row.Iterations.Count);
        for (int i = 0; i < row.Iterations.Count; i++)
        {
            SimIteration iteration = sent.Iterations![i];
            Assert.Equal(iteration.Type, EnumNames<IterationKind>.Text(row.Iterations[i].Kind));
            Assert.Equal(iteration.Model ?? "", row.Iterations[i].Model);
            Assert.Equal(iteration.InputTokens, row.Iterations[i].Usage.InputTokens);
            Assert.Equal(iteration.CacheReadInputTokens, row.Iterations[i].Usage.CacheReadInputTokens);
            Assert.Equal(iteration.CacheCreationInputTokens, row.Iterations[i].Usage.CacheCreationInputTokens);
            Assert.Equal(iteration.Ephemeral5mInputTokens ?? 0, row.Iterations[i].Usage.CacheCreation5mInputTokens);
            Assert.Equal(iteration.Ephemeral1hInputTokens ?? 0, row.Iterations[i].Usage.CacheCreation1hInputTokens);
            Assert.True(isEstimated || row.Iterations[i].Usage.OutputTokens == (output == 0 ? 0 : iteration.OutputTokens));
        }
    }

    /// <summary>An unfinished row says that it is one, unless its answer had come whole and only the client had not read it.</summary>
    public static void AssertNotMoreThanSent(TruthRecord? truth, SpendRow row)
    {
        bool isFlagged = row.EndReason != EndReason.Complete || row.Flags.HasFlag(SpendFlags.Incomplete);
        Assert.True(isFlagged || truth?.Outcome == Outcome.Completed, $"{row.SessionId} ended as {row.EndReason} with {row.Status} and {row.ResponseBodyBytes} bytes, but was {truth?.Outcome} with {truth?.Status} {truth?.ErrorType} {truth?.Kind}, streamed {truth?.Streamed}");
        long sent = truth?.Sent?.InputTokens ?? 0;
        if (row.Flags.HasFlag(SpendFlags.Estimated))
        {
            // Nobody had said what the prompt came to when somebody left, though the upstream did soon: it is reckoned from its bytes.
            sent = Math.Max(sent, row.RequestBodyBytes / 4);
        }

        Assert.True(
            row.Usage.InputTokens <= sent,
            $"{row.Usage.InputTokens} of {sent} input tokens: ended as {row.EndReason}, {row.Failure}, {row.Refusal} with {row.Status} and {row.Flags}, "
            + $"{row.RequestBodyBytes} bytes up, {row.ResponseBodyBytes} down, was {truth?.Outcome} with {truth?.Status} {truth?.Kind}");

        // A cut may fall into an event: the text before it was delivered, and is not counted as sent.
        long text = truth?.Outcome == Outcome.Cut ? truth.FinalTextBytes : truth?.SentTextBytes ?? 0;
        long output = Math.Max(truth?.Sent?.OutputTokens ?? 0, text / 4);
        Assert.InRange(row.Usage.OutputTokens, 0, output);
    }

    private static UsageCounters Expected(SimUsage sent, long output) => new()
    {
        InputTokens = sent.InputTokens,
        CacheReadInputTokens = sent.CacheReadInputTokens,
        CacheCreationInputTokens = sent.CacheCreationInputTokens,
        CacheCreation5mInputTokens = sent.Ephemeral5mInputTokens ?? 0,
        CacheCreation1hInputTokens = sent.Ephemeral1hInputTokens ?? 0,
        OutputTokens = output,
        ThinkingTokens = sent.ThinkingTokens ?? 0,
        WebSearchRequests = sent.WebSearchRequests ?? 0,
        WebFetchRequests = sent.WebFetchRequests ?? 0,
        ServiceTier = sent.ServiceTier switch { null => ServiceTier.Unreported, "standard" => ServiceTier.Standard, "priority" => ServiceTier.Priority, "batch" => ServiceTier.Batch, _ => ServiceTier.Other },
        Speed = sent.Speed switch { null => Speed.Unreported, "standard" => Speed.Standard, "fast" => Speed.Fast, _ => Speed.Other },
        InferenceGeo = sent.InferenceGeo switch { null => InferenceGeo.Unreported, "global" => InferenceGeo.Global, "us" => InferenceGeo.Us, _ => InferenceGeo.Other },
    };
}
