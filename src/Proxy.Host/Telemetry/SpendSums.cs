using Proxy.Core.Spend;

namespace Proxy.Host.Telemetry;

internal readonly record struct SpendSums(long InputTokens, long CacheReadTokens, long CacheWriteTokens, long OutputTokens, long CostNanoUsd)
{
    public SpendSums Plus(SpendRecord record) => new(
        InputTokens + record.Usage.InputTokens,
        CacheReadTokens + record.Usage.CacheReadInputTokens,
        CacheWriteTokens + record.Usage.CacheCreationInputTokens,
        OutputTokens + record.Usage.OutputTokens,
        CostNanoUsd + record.CostNanoUsd);
}
