using Proxy.Core.Anthropic;
using Proxy.Core.Outcomes;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;
using Proxy.Core.Tests.Metering;

namespace Proxy.Core.Tests.Pricing;

/// <summary>Every expected price is computed by hand, in nano-USD.</summary>
public sealed class PriceTests
{
    private static readonly long Today = Day(2026, 11, 23);

    [Theory]
    // prices.md: USD per million tokens = thousands of nano-USD per token; 1,000 tokens of each kind, on their own.
    [InlineData("claude-fable-5-2", 8_000_000, 10_000_000, 16_000_000, 200_000, 40_000_000)]
    [InlineData("claude-fable-5-1", 10_000_000, 12_500_000, 20_000_000, 250_000, 50_000_000)]
    [InlineData("claude-mythos-5-1", 10_000_000, 12_500_000, 20_000_000, 250_000, 50_000_000)]
    [InlineData("claude-fable-5", 10_000_000, 12_500_000, 20_000_000, 1_000_000, 50_000_000)]
    [InlineData("claude-mythos-5", 10_000_000, 12_500_000, 20_000_000, 1_000_000, 50_000_000)]
    [InlineData("claude-opus-5-5", 4_000_000, 5_000_000, 8_000_000, 200_000, 20_000_000)]
    [InlineData("claude-opus-5", 5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)]
    [InlineData("claude-opus-4-8", 5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)]
    [InlineData("claude-opus-4-7", 5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)]
    [InlineData("claude-opus-4-6", 5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)]
    [InlineData("claude-opus-4-5-20251101", 5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)]
    [InlineData("claude-opus-4-1", 15_000_000, 18_750_000, 30_000_000, 1_500_000, 75_000_000)]
    [InlineData("claude-sonnet-5-5", 2_000_000, 2_500_000, 4_000_000, 100_000, 10_000_000)]
    [InlineData("claude-sonnet-5", 2_000_000, 2_500_000, 4_000_000, 200_000, 10_000_000)]
    [InlineData("claude-sonnet-4-6", 3_000_000, 3_750_000, 6_000_000, 300_000, 15_000_000)]
    [InlineData("claude-sonnet-4-5-20250929", 3_000_000, 3_750_000, 6_000_000, 300_000, 15_000_000)]
    [InlineData("claude-haiku-5-5", 100_000, 125_000, 200_000, 10_000, 500_000)]
    [InlineData("claude-haiku-4-5", 1_000_000, 1_250_000, 2_000_000, 100_000, 5_000_000)]
    [InlineData("claude-3-5-haiku-20241022", 800_000, 1_000_000, 1_600_000, 80_000, 4_000_000)]
    public void Table_of_prices(string model, long input, long write5m, long write1h, long read, long output)
    {
        Assert.Equal(input, Cost(model, new UsageCounters { InputTokens = 1000 }));
        Assert.Equal(write5m, Cost(model, new UsageCounters { CacheCreationInputTokens = 1000, CacheCreation5mInputTokens = 1000 }));
        Assert.Equal(write1h, Cost(model, new UsageCounters { CacheCreationInputTokens = 1000, CacheCreation1hInputTokens = 1000 }));
        Assert.Equal(read, Cost(model, new UsageCounters { CacheReadInputTokens = 1000 }));
        Assert.Equal(output, Cost(model, new UsageCounters { OutputTokens = 1000 }));
    }

    [Fact]
    public void Haiku_5_5_up_to_100k_with_batch_and_us()
    {
        UsageCounters usage = new()
        {
            InputTokens = 1000,
            CacheReadInputTokens = 50_000,
            CacheCreationInputTokens = 5000,
            CacheCreation5mInputTokens = 2000,
            CacheCreation1hInputTokens = 3000,
            OutputTokens = 400,
        };

        // 100,000 + 500,000 + 250,000 + 600,000 + 200,000
        Assert.Equal(1_650_000, Cost("claude-haiku-5-5", usage));
        Assert.Equal(825_000, Cost("claude-haiku-5-5", usage with { ServiceTier = ServiceTier.Batch }));
        Assert.Equal(907_500, Cost("claude-haiku-5-5", usage with { ServiceTier = ServiceTier.Batch, InferenceGeo = InferenceGeo.Us }));
    }

    [Fact]
    public void Haiku_5_5_above_100k_takes_the_higher_price_for_the_whole_request()
    {
        UsageCounters usage = new() { InputTokens = 1000, CacheReadInputTokens = 150_000, OutputTokens = 400 };

        // 500,000 + 7,500,000 + 1,000,000
        Assert.Equal(9_000_000, Cost("claude-haiku-5-5", usage));
        Assert.Equal(4_500_000, Cost("claude-haiku-5-5", usage with { ServiceTier = ServiceTier.Batch }));
        Assert.Equal(4_950_000, Cost("claude-haiku-5-5", usage with { ServiceTier = ServiceTier.Batch, InferenceGeo = InferenceGeo.Us }));
    }

    [Fact]
    public void Threshold_counts_input_and_cache_tokens_and_must_be_exceeded()
    {
        UsageCounters usage = new() { InputTokens = 50_000, CacheReadInputTokens = 30_000, CacheCreationInputTokens = 20_000, CacheCreation1hInputTokens = 20_000 };
        Assert.Equal(5_000_000 + 300_000 + 4_000_000, Cost("claude-haiku-5-5", usage));
        Assert.Equal(25_000_500 + 1_500_000 + 20_000_000, Cost("claude-haiku-5-5", usage with { InputTokens = 50_001 }));
        Assert.Equal(100_000_000, Cost("claude-haiku-5-5", new UsageCounters { OutputTokens = 200_000 }));
    }

    [Fact]
    public void A_rate_of_5_5_nano_is_exact_and_rounded_half_up_once()
    {
        UsageCounters usage = new() { CacheReadInputTokens = 1, ServiceTier = ServiceTier.Batch, InferenceGeo = InferenceGeo.Us };
        Assert.Equal(6, Cost("claude-haiku-5-5", usage));
        Assert.Equal(11, Cost("claude-haiku-5-5", usage with { CacheReadInputTokens = 2 }));
        Assert.Equal(55_000, Cost("claude-haiku-5-5", usage with { CacheReadInputTokens = 10_000 }));
    }

    [Fact]
    public void Sonnet_5_5_reads_halve_on_7_October()
    {
        UsageCounters usage = new() { InputTokens = 10, CacheReadInputTokens = 1000 };
        Assert.Equal(220_000, Cost("claude-sonnet-5-5", usage, Day(2026, 10, 7) - 1));
        Assert.Equal(120_000, Cost("claude-sonnet-5-5", usage, Day(2026, 10, 7)));
    }

    [Fact]
    public void Opus_5_fast_stacks_with_geo_and_cache_rates_but_not_with_batch()
    {
        UsageCounters usage = new()
        {
            InputTokens = 100,
            CacheReadInputTokens = 1000,
            CacheCreationInputTokens = 250,
            CacheCreation5mInputTokens = 200,
            CacheCreation1hInputTokens = 50,
            OutputTokens = 300,
        };

        // 500,000 + 500,000 + 1,250,000 + 500,000 + 7,500,000 = 10,250,000
        Assert.Equal(10_250_000, Cost("claude-opus-5", usage));
        Assert.Equal(20_500_000, Cost("claude-opus-5", usage with { Speed = Speed.Fast }));
        Assert.Equal(22_550_000, Cost("claude-opus-5", usage with { Speed = Speed.Fast, InferenceGeo = InferenceGeo.Us }));
        Assert.Equal(5_125_000, Cost("claude-opus-5", usage with { Speed = Speed.Fast, ServiceTier = ServiceTier.Batch }));
        Assert.Equal(10_250_000, Cost("claude-opus-5", usage with { Speed = Speed.Standard, ServiceTier = ServiceTier.Priority }));
    }

    [Fact]
    public void Fast_served_where_it_has_no_price_costs_the_standard_rate()
    {
        UsageCounters usage = new() { OutputTokens = 1000, Speed = Speed.Fast };
        Assert.Equal(25_000_000, Cost("claude-opus-4-6", usage));
        SpendRecord fable = Priced("claude-fable-5-2", usage, Today);
        Assert.Equal(40_000_000, fable.CostNanoUsd);
        Assert.Equal(SpendFlags.RateInferred, fable.Flags);
    }

    [Fact]
    public void Fast_of_opus_4_8_ends_with_30_November()
    {
        UsageCounters usage = new() { OutputTokens = 1000, Speed = Speed.Fast };
        Assert.Equal(50_000_000, Cost("claude-opus-4-8", usage, Day(2026, 12, 1) - 1));
        Assert.Equal(25_000_000, Cost("claude-opus-4-8", usage, Day(2026, 12, 1)));
    }

    [Fact]
    public void Us_multiplier_is_only_for_models_that_have_it() =>
        Assert.Equal(25_000_000, Cost("claude-opus-4-5", new UsageCounters { OutputTokens = 1000, InferenceGeo = InferenceGeo.Us }));

    [Fact]
    public void Iterations_are_priced_each_at_their_own_model_and_replace_the_top_level()
    {
        SpendRecord record = Record("claude-sonnet-5-5", new UsageCounters { InputTokens = 999_999, OutputTokens = 999_999 }, Today);
        Add(record, IterationKind.Message, "claude-sonnet-5-5", new UsageCounters { InputTokens = 1000, OutputTokens = 100 });
        Add(record, IterationKind.Compaction, "", new UsageCounters { InputTokens = 500, OutputTokens = 50 });
        Add(record, IterationKind.AdvisorMessage, "claude-opus-5", new UsageCounters { InputTokens = 200, OutputTokens = 10 });
        PriceBook.BuiltIn.Price(record);

        // 2,000,000 + 1,000,000; 1,000,000 + 500,000; 1,000,000 + 250,000
        Assert.Equal(5_750_000, record.CostNanoUsd);
        Assert.Equal(SpendFlags.None, record.Flags);
    }

    [Fact]
    public void Iterations_take_tier_and_geo_of_the_answer_and_thresholds_of_their_own()
    {
        SpendRecord record = Record("claude-haiku-5-5", new UsageCounters { InferenceGeo = InferenceGeo.Us }, Today);
        Add(record, IterationKind.Message, "", new UsageCounters { InputTokens = 60_000 });
        Add(record, IterationKind.Message, "", new UsageCounters { InputTokens = 60_000 });
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(13_200_000, record.CostNanoUsd);
    }

    [Fact]
    public void Unknown_advisor_takes_the_fall_back_rate_for_its_part()
    {
        SpendRecord record = Record("claude-opus-5-5", default, Today);
        Add(record, IterationKind.Message, "", new UsageCounters { OutputTokens = 1000 });
        Add(record, IterationKind.AdvisorMessage, "claude-next", new UsageCounters { OutputTokens = 1000 });
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(45_000_000, record.CostNanoUsd);
        Assert.Equal(SpendFlags.PriceUnknown, record.Flags);
    }

    [Fact]
    public void Web_search_costs_10_USD_per_thousand_without_multipliers_and_web_fetch_nothing()
    {
        UsageCounters usage = new() { WebSearchRequests = 3, WebFetchRequests = 100, InferenceGeo = InferenceGeo.Us, Speed = Speed.Fast };
        Assert.Equal(30_000_000, Cost("claude-opus-5", usage));
        Assert.Equal(30_000_000, Cost("claude-next", usage));
        SpendRecord record = Record("claude-opus-5", usage, Today);
        Add(record, IterationKind.Message, "", new UsageCounters { WebSearchRequests = 3 });
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(30_000_000, record.CostNanoUsd);
    }

    [Fact]
    public void Thinking_tokens_are_inside_output() =>
        Assert.Equal(25_000, Cost("claude-opus-5", new UsageCounters { OutputTokens = 1, ThinkingTokens = 1 }));

    [Fact]
    public void Cache_writes_beyond_the_split_are_priced_at_5m_and_flagged()
    {
        UsageCounters usage = new() { CacheCreationInputTokens = 1000, CacheCreation5mInputTokens = 100, CacheCreation1hInputTokens = 200 };
        SpendRecord record = Priced("claude-opus-5", usage, Today);

        // 800 at 6,250 and 200 at 10,000
        Assert.Equal(7_000_000, record.CostNanoUsd);
        Assert.Equal(SpendFlags.SplitInferred, record.Flags);
    }

    [Theory]
    [InlineData("claude-opus-5", 25_000_000)]
    [InlineData("claude-opus-5[1m]", 25_000_000)]
    [InlineData("claude-opus-5-20260601", 25_000_000)]
    [InlineData("claude-opus-5-20260601[1m]", 25_000_000)]
    [InlineData("claude-opus-4-20250514", 75_000_000)]
    [InlineData("claude-haiku-4-5-20991231", 5_000_000)]
    public void Model_ids_may_be_dated_or_carry_1m(string model, long expected)
    {
        SpendRecord record = Priced(model, new UsageCounters { OutputTokens = 1000 }, Today);
        Assert.Equal(expected, record.CostNanoUsd);
        Assert.Equal(SpendFlags.None, record.Flags);
        Assert.True(PriceBook.BuiltIn.Knows(Samples.Bytes(model)));
    }

    [Theory]
    [InlineData("claude-opus-5-9")]
    [InlineData("claude-opus-5-9-20270101[1m]")]
    [InlineData("claude-opus")]
    [InlineData("claude-opus-5-2026060")]
    [InlineData("claude-opus-5-202606011")]
    [InlineData("claude-opus-5-2026060x")]
    [InlineData("claude-opus-5[2m]")]
    [InlineData("Claude-Opus-5")]
    [InlineData("-20260601")]
    [InlineData("[1m]")]
    [InlineData("")]
    public void Other_ids_borrow_no_price_and_are_never_free(string model)
    {
        // 5 USD in, 25 out; cache tokens as input; no modifiers.
        UsageCounters usage = new()
        {
            InputTokens = 100,
            CacheReadInputTokens = 100,
            CacheCreationInputTokens = 100,
            CacheCreation1hInputTokens = 100,
            OutputTokens = 100,
            InferenceGeo = InferenceGeo.Us,
            Speed = Speed.Fast,
        };
        SpendRecord record = Priced(model, usage, Today);
        Assert.Equal(1_500_000 + 2_500_000, record.CostNanoUsd);
        Assert.Equal(SpendFlags.PriceUnknown, record.Flags);
        Assert.False(PriceBook.BuiltIn.Knows(Samples.Bytes(model)));
    }

    [Fact]
    public void Served_model_is_charged_and_the_asked_one_only_when_none_was_named()
    {
        SpendRecord record = Record("claude-haiku-4-5", new UsageCounters { OutputTokens = 1000 }, Today);
        record.ModelAsked.Set("claude-opus-5"u8);
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(5_000_000, record.CostNanoUsd);
        record.ModelServed.Clear();
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(25_000_000, record.CostNanoUsd);
    }

    [Theory]
    [InlineData(PathClass.CountTokens)]
    [InlineData(PathClass.Other)]
    public void Count_tokens_and_other_paths_are_free(PathClass path)
    {
        SpendRecord record = Record("claude-opus-5", new UsageCounters { InputTokens = 1000 }, Today);
        record.PathClass = path;
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(0, record.CostNanoUsd);
        Assert.Equal(PriceBook.BuiltIn.Version, record.PriceVersion);
    }

    [Fact]
    public void Error_before_output_is_free_and_after_output_is_not()
    {
        SpendRecord record = Record("claude-opus-5", new UsageCounters { InputTokens = 1000 }, Today);
        record.EndReason = EndReason.UpstreamErrorEvent;
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(0, record.CostNanoUsd);
        record.Usage.OutputTokens = 2;
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(5_050_000, record.CostNanoUsd);
    }

    [Fact]
    public void Nothing_used_costs_nothing_and_warns_of_nothing()
    {
        SpendRecord record = Priced("claude-next", default, Today);
        Assert.Equal(0, record.CostNanoUsd);
        Assert.Equal(SpendFlags.None, record.Flags);
    }

    [Fact]
    public void Saturated_counts_do_not_overflow()
    {
        UsageCounters usage = new()
        {
            InputTokens = long.MaxValue,
            CacheReadInputTokens = long.MaxValue,
            CacheCreationInputTokens = long.MaxValue,
            CacheCreation5mInputTokens = long.MaxValue,
            CacheCreation1hInputTokens = long.MaxValue,
            OutputTokens = long.MaxValue,
            WebSearchRequests = long.MaxValue,
            Speed = Speed.Fast,
            InferenceGeo = InferenceGeo.Us,
        };
        SpendRecord record = Record("claude-opus-5", usage, Today);
        for (int i = 0; i < SpendRecord.MaxIterations; i++)
        {
            Add(record, IterationKind.Message, "", usage);
        }

        PriceBook.BuiltIn.Price(record);
        Assert.Equal(long.MaxValue, record.CostNanoUsd);
    }

    internal static SpendRecord Record(string model, UsageCounters usage, long at)
    {
        SpendRecord record = new() { PathClass = PathClass.Messages, StartedAtUnixMs = at, Usage = usage };
        record.ModelServed.Set(Samples.Bytes(model));
        return record;
    }

    internal static long Day(int year, int month, int day) => new DateTimeOffset(year, month, day, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private static long Cost(string model, UsageCounters usage) => Cost(model, usage, Today);

    private static long Cost(string model, UsageCounters usage, long at) => Priced(model, usage, at).CostNanoUsd;

    private static SpendRecord Priced(string model, UsageCounters usage, long at)
    {
        SpendRecord record = Record(model, usage, at);
        PriceBook.BuiltIn.Price(record);
        return record;
    }

    private static void Add(SpendRecord record, IterationKind kind, string model, UsageCounters usage)
    {
        IterationUsage iteration = record.AddIteration();
        iteration.Kind = kind;
        iteration.Model.Set(Samples.Bytes(model));
        iteration.Usage = usage;
    }
}
