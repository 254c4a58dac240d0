using System.Globalization;
using System.Security.Cryptography;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Pricing;

/// <summary>
/// Prices by model and date. Immutable: a new one replaces it as a whole. Money is integer: rates in pico-USD a token, results in nano-USD
/// rounded once.
/// </summary>
public sealed class PriceBook : IRequestPricer
{
    private const string Resource = "Proxy.Core.Pricing.prices.json";

    private const long PicoPerNano = 1000;
    private const long WebSearchPicoUsd = 10_000_000_000;

    // Sums run in half pico-USD times the thousandths of both multipliers, so that nothing is rounded before the end.
    private const long UnitsPerPico = RateSet.Scale * ModelPrice.One * ModelPrice.One;

    // Counts that claim more are cut, which keeps every sum far below 2^127.
    private const long LargestCount = UsagePart.LargestCount;

    // About so many bytes of a request's JSON make a token.

    // What a web search brings into the prompt.
    private const long TokensPerSearch = 4000;

    private static readonly Lazy<PriceBook> LazyBuiltIn = new(ReadBuiltIn);

    private readonly ModelTable _models;
    private readonly ModelPrice _fallback;

    private PriceBook(ModelTable models, ModelPrice fallback, FreeRefusals freeRefusals, string version)
    {
        FreeRefusals = freeRefusals;
        _models = models;
        _fallback = fallback;
        Version = version;
    }

    /// <summary>The prices that ship with the gateway.</summary>
    public static PriceBook BuiltIn => LazyBuiltIn.Value;

    /// <summary>The price map that ships with the gateway, for a book with other fall-back rates.</summary>
    public static byte[] ReadBuiltInMap()
    {
        using Stream stream = typeof(PriceBook).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException("The price map is missing from the build.");
        byte[] map = new byte[stream.Length];
        stream.ReadExactly(map);
        return map;
    }

    /// <summary>Reads LiteLLM's price map format with our <c>x_</c> notes.</summary>
    /// <exception cref="FormatException">Names the model and the field that is wrong.</exception>
    public static PriceBook Parse(ReadOnlySpan<byte> utf8Json, FallbackRates fallback)
    {
        List<ModelPrice> models = PriceMapReader.Read(utf8Json, out string latestDate, out FreeRefusals freeRefusals);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(utf8Json);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"|{fallback.InputPerMillion:0.######}|{fallback.OutputPerMillion:0.######}")));
        string digest = Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 4));
        return new PriceBook(
            new ModelTable(models), BuildFallback(fallback), freeRefusals, latestDate.Length == 0 ? digest : $"{latestDate}-{digest}");
    }

    /// <summary>Identifies this data in the ledger: the newest date in its notes, and a hash of it and the fall-back rates.</summary>
    public string Version { get; }

    /// <summary>
    /// Which refusals before any output cost nothing: <c>x_free_refusals</c> of the price map, an array of categories; all of them without
    /// it.
    /// </summary>
    public FreeRefusals FreeRefusals { get; }

    /// <summary>False for a model that takes the fall-back rate: what a host warns about, once per model.</summary>
    public bool Knows(ReadOnlySpan<byte> model) => _models.Find(model) is not null;

    /// <summary>
    /// Prices a finished record: sets <see cref="SpendRecord.CostNanoUsd"/>, <see cref="SpendRecord.PriceVersion"/> and the price flags.
    /// Never allocates.
    /// </summary>
    public void Price(SpendRecord record)
    {
        record.PriceVersion = Version;
        record.Flags &= ~(SpendFlags.PriceUnknown | SpendFlags.SplitInferred | SpendFlags.RateInferred);
        record.CostNanoUsd = IsFree(record) ? 0 : ToNano(SumUnits(record));
    }

    /// <summary>
    /// What a request may cost at most, as far as can be told before it is sent: all of its input fresh, all the output it allows, at the
    /// standard
    /// rates of its model. In nano-USD; never allocates.
    /// </summary>
    /// <param name="model">As asked; unknown and empty ones take the fall-back rates.</param>
    public long Estimate(ReadOnlySpan<byte> model, long inputTokens, long outputTokens, long nowUnixMs)
    {
        ModelPrice price = _models.Find(model) ?? _fallback;
        RateSet rates = price.PeriodAt(nowUnixMs).TierFor(Count(inputTokens)).Standard;
        long output = Math.Min(outputTokens, price.MaxOutputTokens);
        Int128 pico = ((Int128)Count(inputTokens) * rates[RateKind.Input]) + ((Int128)output * rates[RateKind.Output]);
        return ToNano(pico * ModelPrice.One * ModelPrice.One);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// All of its input at the rate of the cache writes that it asks for, all the output that it allows and its model can write. Of several
    /// models that may
    /// answer the dearest counts; those of tools come on top, each use with the whole prompt.
    /// </remarks>
    public CostEstimate Estimate(in RequestShape shape, long bodyBytes, long assumedTokens, ServiceTier service, long nowUnixMs)
    {
        long prompt = Count(shape.PromptTokens(bodyBytes) + (shape.Searches * TokensPerSearch));
        long output = shape.MaxTokens switch { >= 0 => shape.MaxTokens, RequestShape.Unclear => long.MaxValue, _ => assumedTokens };
        Reading reading = new(prompt, output, service);
        CostEstimate most = default;
        CostEstimate beside = default;
        bool isNamed = false;
        for (int i = 0; i < shape.ModelCount; i++)
        {
            long toolUses = shape.ToolUses(i);
            ModelPrice price = _models.Find(shape.ModelName(i)) ?? _fallback;
            CostEstimate one = Estimate(shape, price, toolUses == 0 ? reading : reading with { Output = long.MaxValue }, nowUnixMs);
            if (toolUses == 0)
            {
                isNamed = true;
                most = Dearer(most, one);
            }
            else
            {
                beside = beside.Plus(one.Times(toolUses));
            }
        }

        if (shape.HasMoreModels)
        {
            foreach (ModelPrice price in _models.All)
            {
                most = Dearer(most, Estimate(shape, price, reading, nowUnixMs));
            }
        }

        if (!isNamed)
        {
            most = Dearer(most, Estimate(shape, _fallback, reading, nowUnixMs));
        }

        return most with { InputNanoUsd = Saturating.Add(most.InputNanoUsd, beside.WorstNanoUsd) };
    }

    private static CostEstimate Dearer(in CostEstimate one, in CostEstimate other) => other.WorstNanoUsd > one.WorstNanoUsd ? other : one;

    private static CostEstimate Estimate(in RequestShape shape, ModelPrice price, in Reading reading, long nowUnixMs)
    {
        PriceTier tier = price.PeriodAt(nowUnixMs).TierFor(reading.Prompt);
        bool isBatch = reading.Service == ServiceTier.Batch;
        RateSet rates = isBatch ? tier.Batch : tier.Standard;
        RateKind kind = shape.CacheWrites switch
        {
            CacheWrites.Hour => RateKind.CacheWrite1h,
            CacheWrites.FiveMinutes => RateKind.CacheWrite5m,
            _ => RateKind.Input,
        };
        long rate = Math.Max(rates[RateKind.Input], rates[kind]);
        int fast = shape.Speed == Speed.Fast && !isBatch && nowUnixMs < price.FastEndsUnixMs ? price.FastMultiplier : ModelPrice.One;
        int region = shape.InferenceGeo == InferenceGeo.Us ? price.UsMultiplier : ModelPrice.One;
        long output = Math.Min(reading.Output, price.MaxOutputTokens) * shape.Choices;
        Int128 searches = (Int128)Count(shape.Searches) * price.WebSearchPicoUsd * UnitsPerPico;
        return new CostEstimate(
            ToNano(((Int128)reading.Prompt * rate * fast * region) + searches),
            ToNano((Int128)output * rates[RateKind.Output] * fast * region),
            output);
    }

    /// <summary>
    /// Only inference costs money, and neither an error nor a refusal before any output does (anthropic-api.md §5 rule 4).
    /// </summary>
    private static bool IsFree(SpendRecord record) =>
        (!record.PathClass.IsInference() && record.BatchId.IsEmpty)
        || (record.EndReason == EndReason.UpstreamErrorEvent && record.Usage.OutputTokens == 0)
        || ((record.Flags & SpendFlags.RefusedFree) != 0 && record.IterationCount == 0);

    private Int128 SumUnits(SpendRecord record)
    {
        ReadOnlySpan<byte> served = record.ModelServed.IsEmpty ? record.ModelAsked.Bytes : record.ModelServed.Bytes;
        long searches = record.Usage.WebSearchRequests;
        Int128 units = 0;
        if (record.IterationCount == 0)
        {
            units = SumTokens(record, served, in record.Usage);
        }
        else
        {
            // The top level leaves out advisors and compactions; the iterations are all there is.
            long searchesInside = 0;
            for (int i = 0; i < record.IterationCount; i++)
            {
                IterationUsage iteration = record.Iteration(i);
                if (iteration.IsFree)
                {
                    continue;
                }

                units += SumTokens(record, iteration.Model.IsEmpty ? served : iteration.Model.Bytes, in iteration.Usage);
                searchesInside = Saturating.Add(searchesInside, iteration.Usage.WebSearchRequests);
            }

            searches = Math.Max(searches, searchesInside);
        }

        if (searches != 0)
        {
            long each = _models.Find(served)?.WebSearchPicoUsd ?? WebSearchPicoUsd;
            units += (Int128)Count(searches) * each * UnitsPerPico;
        }

        return units;
    }

    private Int128 SumTokens(SpendRecord record, ReadOnlySpan<byte> model, in UsageCounters usage)
    {
        long input = Count(usage.InputTokens);
        long read = Count(usage.CacheReadInputTokens);
        long write5m = Count(usage.CacheCreation5mInputTokens);
        long write1h = Count(usage.CacheCreation1hInputTokens);
        long output = Count(usage.OutputTokens);

        // Rule 2: what the split does not cover counts as 5-minute writes.
        long unsplit = Count(usage.CacheCreationInputTokens) - write5m - write1h;
        if (unsplit > 0)
        {
            write5m += unsplit;
            record.Flags |= SpendFlags.SplitInferred;
        }

        if ((input | read | write5m | write1h | output) == 0)
        {
            return 0;
        }

        ModelPrice? known = _models.Find(model);
        if (known is null)
        {
            record.Flags |= SpendFlags.PriceUnknown;
        }

        ModelPrice price = known ?? _fallback;
        ServiceTier service = usage.ServiceTier != ServiceTier.Unreported ? usage.ServiceTier : record.Usage.ServiceTier;
        PriceTier tier = price.PeriodAt(record.StartedAtUnixMs).TierFor(input + read + write5m + write1h);
        RateSet rates = service switch { ServiceTier.Batch => tier.Batch, ServiceTier.Priority => tier.Priority, _ => tier.Standard };

        bool isInferred = (input != 0 && rates.IsInferred(RateKind.Input)) || (read != 0 && rates.IsInferred(RateKind.CacheRead))
            || (write5m != 0 && rates.IsInferred(RateKind.CacheWrite5m)) || (write1h != 0 && rates.IsInferred(RateKind.CacheWrite1h))
            || (output != 0 && rates.IsInferred(RateKind.Output));
        Int128 sum = ((Int128)input * rates[RateKind.Input]) + ((Int128)read * rates[RateKind.CacheRead])
            + ((Int128)write5m * rates[RateKind.CacheWrite5m]) + ((Int128)write1h * rates[RateKind.CacheWrite1h])
            + ((Int128)output * rates[RateKind.Output]);

        int fast = ModelPrice.One;
        Speed speed = usage.Speed != Speed.Unreported ? usage.Speed : record.Usage.Speed;
        if (speed == Speed.Fast && service != ServiceTier.Batch && record.StartedAtUnixMs < price.FastEndsUnixMs)
        {
            fast = price.FastMultiplier;
            isInferred |= price.IsFastPriceMissing;
        }

        InferenceGeo geo = usage.InferenceGeo != InferenceGeo.Unreported ? usage.InferenceGeo : record.Usage.InferenceGeo;
        int region = geo == InferenceGeo.Us ? price.UsMultiplier : ModelPrice.One;
        if (isInferred)
        {
            record.Flags |= SpendFlags.RateInferred;
        }

        return sum * fast * region;
    }

    private static long ToNano(Int128 units)
    {
        const long UnitsPerNano = UnitsPerPico * PicoPerNano;
        Int128 nano = (units + (UnitsPerNano / 2)) / UnitsPerNano;
        return nano > long.MaxValue ? long.MaxValue : (long)nano;
    }

    private static long Count(long count) => Math.Min(count, LargestCount);

    private static ModelPrice BuildFallback(FallbackRates fallback)
    {
        RateSet rates = new();
        for (RateKind kind = RateKind.Input; kind <= RateKind.Output; kind++)
        {
            decimal perMillion = kind == RateKind.Output ? fallback.OutputPerMillion : fallback.InputPerMillion;
            if (perMillion is < 0 or > 1_000_000)
            {
                throw new FormatException($"The fall-back rate of {kind} is not between 0 and 1,000,000 USD per million tokens.");
            }

            rates.Set(kind, (long)decimal.Round(perMillion * 1_000_000m) * RateSet.Scale, isInferred: false);
        }

        return new ModelPrice
        {
            Model = "",
            Periods = [new PricePeriod(long.MinValue, [new PriceTier(0, rates, rates, rates)])],
            WebSearchPicoUsd = WebSearchPicoUsd,
        };
    }

    private static PriceBook ReadBuiltIn() => Parse(ReadBuiltInMap(), new FallbackRates());

    /// <summary>
    /// How a request is read: its prompt, the output it may have before a model's own limit, both in tokens, and at which rates.
    /// </summary>
    private readonly record struct Reading(long Prompt, long Output, ServiceTier Service);
}

/// <summary>
/// What a model without a price costs, USD per million tokens (anthropic-api.md §5 rule 5). Cache writes and reads of an unknown model
/// count as input.
/// </summary>
public sealed record FallbackRates(decimal InputPerMillion = 5m, decimal OutputPerMillion = 25m);

/// <summary>An entry of <c>x_price_history</c>: rates that hold from a moment (inclusive) until another (exclusive).</summary>
internal sealed class PriceChange
{
    public long FromUnixMs { get; set; } = long.MinValue;

    public long UntilUnixMs { get; set; } = long.MaxValue;

    public Dictionary<RateName, long> Rates { get; } = [];
}
