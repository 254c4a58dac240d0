namespace Proxy.Core.Pricing;

/// <summary>Turns the price fields of one model into a <see cref="ModelPrice"/>. Off the hot path.</summary>
internal sealed class ModelPriceBuilder(string model)
{
    // One USD a token, as for rates that are read.
    private const long LargestRate = 1_000_000_000_000 * RateSet.Scale;

    private readonly Dictionary<RateName, long> _rates = [];
    private readonly List<PriceChange> _changes = [];

    public int FastMultiplier { get; set; } = ModelPrice.One;

    public long FastEndsUnixMs { get; set; } = long.MaxValue;

    public bool IsFastPriceMissing { get; set; }

    public int UsMultiplier { get; set; } = ModelPrice.One;

    public long WebSearchPicoUsd { get; set; }

    public long MaxOutputTokens { get; set; } = ModelPrice.LargestOutput;

    /// <summary>Has what a price needs at least: an input and an output rate.</summary>
    public bool IsPriced => _rates.ContainsKey(new RateName(RateKind.Input, 0, RateVariant.Standard))
        && _rates.ContainsKey(new RateName(RateKind.Output, 0, RateVariant.Standard));

    public void SetRate(RateName name, long picoUsd) => _rates[name] = picoUsd;

    public void AddChange(PriceChange change) => _changes.Add(change);

    public ModelPrice Build()
    {
        SortedSet<long> starts = [long.MinValue];
        foreach (PriceChange change in _changes)
        {
            starts.Add(change.FromUnixMs);
            if (change.UntilUnixMs != long.MaxValue)
            {
                starts.Add(change.UntilUnixMs);
            }
        }

        List<PricePeriod> periods = [];
        foreach (long start in starts)
        {
            periods.Add(BuildPeriod(start));
        }

        return new ModelPrice
        {
            Model = model,
            Periods = [.. periods],
            FastMultiplier = FastMultiplier,
            FastEndsUnixMs = FastEndsUnixMs,
            IsFastPriceMissing = IsFastPriceMissing && FastMultiplier == ModelPrice.One,
            UsMultiplier = UsMultiplier,
            WebSearchPicoUsd = WebSearchPicoUsd,
            MaxOutputTokens = MaxOutputTokens,
        };
    }

    private PricePeriod BuildPeriod(long start)
    {
        Dictionary<RateName, long> rates = new(_rates);
        foreach (PriceChange change in _changes)
        {
            if (start >= change.FromUnixMs && start < change.UntilUnixMs)
            {
                foreach ((RateName name, long rate) in change.Rates)
                {
                    rates[name] = rate;
                }
            }
        }

        SortedSet<long> thresholds = [0];
        foreach (RateName name in rates.Keys)
        {
            thresholds.Add(name.Threshold);
        }

        List<PriceTier> tiers = [];
        foreach (long threshold in thresholds)
        {
            RateSet? below = tiers.Count == 0 ? null : tiers[0].Standard;
            RateSet standard = BuildStandard(rates, threshold, below);
            tiers.Add(new PriceTier(
                threshold,
                standard,
                BuildVariant(rates, threshold, RateVariant.Batch, standard, divisor: 2),
                BuildVariant(rates, threshold, RateVariant.Priority, standard, divisor: 1)));
        }

        return new PricePeriod(start, [.. tiers]);
    }

    private static RateSet BuildStandard(Dictionary<RateName, long> rates, long threshold, RateSet? below)
    {
        RateSet set = new();
        Span<RateKind> missing = stackalloc RateKind[5];
        int missingCount = 0;

        // Input comes first: it is what others are inferred from.
        for (RateKind kind = RateKind.Input; kind <= RateKind.Output; kind++)
        {
            if (rates.TryGetValue(new RateName(kind, threshold, RateVariant.Standard), out long rate))
            {
                set.Set(kind, rate * RateSet.Scale, isInferred: false);
            }
            else
            {
                missing[missingCount++] = kind;
            }
        }

        foreach (RateKind kind in missing[..missingCount])
        {
            set.Set(kind, Infer(kind, set, below), isInferred: true);
        }

        return set;
    }

    /// <summary>
    /// A rate the data does not have. Too much rather than too little, but in the proportions Anthropic's prices always had.
    /// </summary>
    private static long Infer(RateKind kind, RateSet set, RateSet? below)
    {
        if (below is not null)
        {
            // A tier raises all kinds about alike; take the proportion of the input rate, never less than below the threshold.
            return kind == RateKind.Input || below[RateKind.Input] == 0
                ? below[kind]
                : Math.Max(below[kind], (long)Int128.Min((Int128)below[kind] * set[RateKind.Input] / below[RateKind.Input], LargestRate));
        }

        long input = set[RateKind.Input];
        return kind switch
        {
            RateKind.CacheWrite5m => input + (input / 4),
            RateKind.CacheWrite1h => input * 2,
            _ => input,
        };
    }

    private static RateSet BuildVariant(
        Dictionary<RateName, long> rates, long threshold, RateVariant variant, RateSet standard, long divisor)
    {
        RateSet set = new();
        for (RateKind kind = RateKind.Input; kind <= RateKind.Output; kind++)
        {
            bool isKnown = rates.TryGetValue(new RateName(kind, threshold, variant), out long rate);
            set.Set(kind, isKnown ? rate * RateSet.Scale : standard[kind] / divisor, !isKnown && standard.IsInferred(kind));
        }

        return set;
    }
}
