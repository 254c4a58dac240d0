namespace Proxy.Core.Admission;

/// <summary>
/// What a request may cost, in both ways that a budget may reserve it (<see cref="ReserveMode"/>). Nano-USD. Sums stay at the end of their
/// range.
/// </summary>
/// <param name="ExpectedNanoUsd">What it is expected to cost at most.</param>
/// <param name="WorstNanoUsd">What it cannot cost more than.</param>
public readonly record struct Stake(long ExpectedNanoUsd, long WorstNanoUsd)
{
    internal long Of(ReserveMode mode) => mode == ReserveMode.WorstCase ? WorstNanoUsd : ExpectedNanoUsd;

    internal Stake Plus(in Stake other) =>
        new(Saturating.Add(ExpectedNanoUsd, other.ExpectedNanoUsd), Saturating.Add(WorstNanoUsd, other.WorstNanoUsd));

    internal Stake Minus(in Stake other) => new(ExpectedNanoUsd - other.ExpectedNanoUsd, WorstNanoUsd - other.WorstNanoUsd);

    /// <summary>No side below 0.</summary>
    internal Stake NotNegative() => new(Math.Max(0, ExpectedNanoUsd), Math.Max(0, WorstNanoUsd));
}

/// <summary>What a budget reserves for a request that is under way.</summary>
public enum ReserveMode : byte
{
    /// <summary>What such requests really cost, as far as is known; topped up while the answer runs on.</summary>
    Learned = 0,

    /// <summary>All that the request may cost: the budget is never overspent, and lets in fewer at once.</summary>
    WorstCase,
}
