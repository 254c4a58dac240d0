namespace Proxy.Core.Admission;

/// <summary>What may be spent in one window. Immutable.</summary>
/// <param name="LimitNanoUsd">0 allows nothing.</param>
public sealed record Budget(BudgetPeriod Period, long LimitNanoUsd)
{
    /// <summary>The period's name; made once, for it is told in refusals.</summary>
    public string Name { get; } = Period.Name;

    /// <summary>What it sets aside for requests under way.</summary>
    public ReserveMode Reserve { get; init; }
}

/// <summary>A budget's window as it is now. Nano-USD; times in Unix milliseconds.</summary>
/// <param name="LimitNanoUsd">With any temporary increase; <see cref="long.MaxValue"/> where only a soft budget is watched.</param>
/// <param name="ReservedNanoUsd">For requests under way, and for batches whose results are still to come.</param>
/// <param name="EndsUnixMs"><see cref="long.MaxValue"/> for one that never resets.</param>
public readonly record struct BudgetState(
    BudgetPeriod Period, long LimitNanoUsd, long SpentNanoUsd, long ReservedNanoUsd, long StartedUnixMs, long EndsUnixMs);
