namespace Proxy.Core.Admission;

/// <summary>What may be spent in one window. Immutable.</summary>
/// <param name="LimitNanoUsd">0 allows nothing.</param>
public sealed record Budget(BudgetPeriod Period, long LimitNanoUsd)
{
    /// <summary>The period's name; made once, for it is told in refusals.</summary>
    public string Name { get; } = Period.Name;
}
