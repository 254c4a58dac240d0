namespace Proxy.Core.Pricing;

/// <summary>The prices of one model. Immutable.</summary>
internal sealed class ModelPrice
{
    /// <summary>Multipliers are in thousandths.</summary>
    public const int One = 1000;

    /// <summary>Where the data does not say how much a model can write.</summary>
    public const long LargestOutput = 128_000;

    public required string Model { get; init; }

    /// <summary>The most tokens it can write in one answer.</summary>
    public long MaxOutputTokens { get; init; } = LargestOutput;

    /// <summary>By rising start, the first from the beginning of time.</summary>
    public required PricePeriod[] Periods { get; init; }

    /// <summary>
    /// Thousandths; <see cref="One"/> when the model has no price for the fast speed: such speed was billed as standard (claude-opus-4-6).
    /// </summary>
    public int FastMultiplier { get; init; } = One;

    /// <summary>The fast multiplier applies to requests that start before this.</summary>
    public long FastEndsUnixMs { get; init; } = long.MaxValue;

    /// <summary>The model offers the fast speed at a price that the data does not know.</summary>
    public bool IsFastPriceMissing { get; init; }

    /// <summary>Thousandths, for <c>inference_geo: us</c>.</summary>
    public int UsMultiplier { get; init; } = One;

    /// <summary>Pico-USD a web search.</summary>
    public long WebSearchPicoUsd { get; init; }

    public PricePeriod PeriodAt(long unixMs)
    {
        PricePeriod found = Periods[0];
        foreach (PricePeriod period in Periods)
        {
            if (unixMs >= period.FromUnixMs)
            {
                found = period;
            }
        }

        return found;
    }
}

/// <summary>What a model costs from a moment on: its tiers by rising threshold, the first at 0.</summary>
internal sealed record PricePeriod(long FromUnixMs, PriceTier[] Tiers)
{
    public PriceTier TierFor(long promptTokens)
    {
        PriceTier found = Tiers[0];
        foreach (PriceTier tier in Tiers)
        {
            if (promptTokens > tier.Threshold)
            {
                found = tier;
            }
        }

        return found;
    }
}

/// <summary>What a model costs when the prompt has more than <see cref="Threshold"/> tokens.</summary>
internal sealed record PriceTier(long Threshold, RateSet Standard, RateSet Batch, RateSet Priority);
