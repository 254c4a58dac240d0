namespace Proxy.Core.Admission;

/// <summary>What a request may cost at most, by its parts.</summary>
/// <param name="InputNanoUsd">All that does not depend on the output: prompt, searches.</param>
/// <param name="OutputNanoUsd">All the output that it may have.</param>
/// <param name="OutputTokens">So many tokens are that.</param>
public readonly record struct CostEstimate(long InputNanoUsd, long OutputNanoUsd, long OutputTokens)
{
    /// <summary>Nano-USD.</summary>
    public long WorstNanoUsd => Saturating.Add(InputNanoUsd, OutputNanoUsd);

    /// <summary>With this output only, at most with all that it may have.</summary>
    public long OfOutput(long tokens) => Saturating.Add(InputNanoUsd, Share(tokens));

    /// <summary>Adds another request's; output tokens as well.</summary>
    public CostEstimate Plus(in CostEstimate other) => new(
        Saturating.Add(InputNanoUsd, other.InputNanoUsd),
        Saturating.Add(OutputNanoUsd, other.OutputNanoUsd),
        Saturating.Add(OutputTokens, other.OutputTokens));

    /// <summary>So many times.</summary>
    public CostEstimate Times(long count) => new(Times(InputNanoUsd, count), Times(OutputNanoUsd, count), Times(OutputTokens, count));

    private static long Times(long value, long count) => (long)Int128.Min((Int128)value * count, long.MaxValue);

    private long Share(long tokens) =>
        tokens >= OutputTokens ? OutputNanoUsd : (long)((Int128)OutputNanoUsd * Math.Max(0, tokens) / OutputTokens);
}
