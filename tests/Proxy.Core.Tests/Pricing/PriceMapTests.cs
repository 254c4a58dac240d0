using Proxy.Core.Pricing;
using Proxy.Core.Spend;
using Proxy.Core.Tests.Metering;

namespace Proxy.Core.Tests.Pricing;

public sealed class PriceMapTests
{
    [Theory]
    [InlineData("{\"m\":{\"input_cost_per_token\":\"1\"}}", "m", "input_cost_per_token")]
    [InlineData("{\"m\":{\"output_cost_per_token\":-1}}", "m", "output_cost_per_token")]
    [InlineData("{\"m\":{\"cache_read_input_token_cost\":5}}", "m", "cache_read_input_token_cost")]
    [InlineData("{\"m\":{\"provider_specific_entry\":{\"fast\":\"x\"}}}", "m", "fast")]
    [InlineData("{\"m\":{\"provider_specific_entry\":{\"us\":1.10001}}}", "m", "us")]
    [InlineData("{\"m\":{\"provider_specific_entry\":7}}", "m", "provider_specific_entry")]
    [InlineData("{\"m\":{\"search_context_cost_per_query\":{\"search_context_size_low\":true}}}", "m", "search_context_size_low")]
    [InlineData("{\"m\":{\"x_fast_until\":\"30 Nov\"}}", "m", "x_fast_until")]
    [InlineData("{\"m\":{\"x_price_history\":[{\"from\":7}]}}", "m", "from")]
    [InlineData("{\"m\":{\"x_price_history\":[{\"inputt\":7}]}}", "m", "x_price_history.inputt")]
    [InlineData("{\"m\":{\"x_price_history\":{}}}", "m", "x_price_history")]
    [InlineData("{\"m\":5}", "m", "object")]
    [InlineData("[]", "object", "models")]
    [InlineData("{", "JSON", "JSON")]
    [InlineData("{} {}", "after", "end")]
    public void Errors_name_the_model_and_the_field(string map, string model, string field)
    {
        FormatException error = Assert.Throws<FormatException>(() => Parse(map));
        if (model != "after")
        {
            Assert.Contains(model, error.Message);
            Assert.Contains(field, error.Message);
        }
    }

    [Fact]
    public void Entries_without_both_token_rates_are_no_prices()
    {
        PriceBook book = Parse("""
            {"sample_spec":{"input_cost_per_token":0.0,"output_cost_per_token":0.0,"max_tokens":"text"},
             "dall-e":{"input_cost_per_pixel":1.0},"half":{"input_cost_per_token":1e-6},
             "ok":{"input_cost_per_token":1e-6,"output_cost_per_token":2E-6,"cache_read_input_token_cost":null,"input_cost_per_token_flex":9}}
            """);
        Assert.False(book.Knows("sample_spec"u8));
        Assert.False(book.Knows("dall-e"u8));
        Assert.False(book.Knows("half"u8));
        Assert.True(book.Knows("ok"u8));
    }

    [Fact]
    public void Missing_cache_rates_are_inferred_and_flagged_only_when_used()
    {
        PriceBook book = Parse("""{"m":{"input_cost_per_token":4e-6,"output_cost_per_token":2e-5}}""");
        Assert.Equal((4_000_000, SpendFlags.None), Price(book, new UsageCounters { InputTokens = 1000 }));
        Assert.Equal((4_000_000, SpendFlags.RateInferred), Price(book, new UsageCounters { CacheReadInputTokens = 1000 }));
        Assert.Equal((5_000_000, SpendFlags.RateInferred), Price(book, new UsageCounters { CacheCreation5mInputTokens = 1000 }));
        Assert.Equal((8_000_000, SpendFlags.RateInferred), Price(book, new UsageCounters { CacheCreation1hInputTokens = 1000 }));
    }

    [Fact]
    public void Missing_tier_rates_rise_with_the_input_rate_and_are_flagged()
    {
        // The 1-hour write above 200k of claude-4-sonnet is not in the data: 6 x 6/3 = 12 USD per million.
        SpendRecord record = PriceTests.Record(
            "claude-4-sonnet-20250514", new UsageCounters { InputTokens = 200_000, CacheCreation1hInputTokens = 1000 }, 0);
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(1_200_000_000 + 12_000_000, record.CostNanoUsd);
        Assert.Equal(SpendFlags.RateInferred, record.Flags);
    }

    [Fact]
    public void Thresholds_and_tiers_are_read_from_the_names()
    {
        PriceBook book = Parse("""
            {"m":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6,
                  "input_cost_per_token_above_7k_tokens":2e-6,"output_cost_per_token_above_7k_tokens":2e-6,
                  "input_cost_per_token_above_9k_tokens":3e-6,"output_cost_per_token_above_9k_tokens":3e-6,
                  "input_cost_per_token_above_9k_tokens_priority":5e-6,"input_cost_per_token_batches":4e-7,
                  "input_cost_per_token_batches_above_9k_tokens":1e-6}}
            """);
        Assert.Equal(7_000_000, Price(book, new UsageCounters { InputTokens = 7000 }).Cost);
        Assert.Equal(14_002_000, Price(book, new UsageCounters { InputTokens = 7001 }).Cost);
        Assert.Equal(30_000_000, Price(book, new UsageCounters { InputTokens = 10_000 }).Cost);
        Assert.Equal(50_000_000, Price(book, new UsageCounters { InputTokens = 10_000, ServiceTier = ServiceTier.Priority }).Cost);
        Assert.Equal(2_800_000, Price(book, new UsageCounters { InputTokens = 7000, ServiceTier = ServiceTier.Batch }).Cost);
        Assert.Equal(8_000_000, Price(book, new UsageCounters { InputTokens = 8000, ServiceTier = ServiceTier.Batch }).Cost);
        Assert.Equal(10_000_000, Price(book, new UsageCounters { InputTokens = 10_000, ServiceTier = ServiceTier.Batch }).Cost);
    }

    [Fact]
    public void Fall_back_rates_are_configurable()
    {
        PriceBook book = PriceBook.Parse("{}"u8, new FallbackRates(1.5m, 7m));
        Assert.Equal((1_500_000 + 7_000_000, SpendFlags.PriceUnknown), Price(book, new UsageCounters { InputTokens = 1000, OutputTokens = 1000 }));
        Assert.Throws<FormatException>(() => PriceBook.Parse("{}"u8, new FallbackRates(-1m)));
    }

    [Fact]
    public void Version_tells_data_and_fall_back_rates_apart_and_names_the_newest_date()
    {
        Assert.Matches("^2026-11-[0-9]{2}-[0-9a-f]{8}$", PriceBook.BuiltIn.Version);
        Assert.Equal(PriceBook.BuiltIn.Version, PriceBook.Parse(PriceBook.ReadBuiltInMap(), new FallbackRates()).Version);
        Assert.NotEqual(PriceBook.BuiltIn.Version, PriceBook.Parse(PriceBook.ReadBuiltInMap(), new FallbackRates(6m)).Version);
        Assert.NotEqual(Parse("{}").Version, Parse("{ }").Version);
    }

    private static PriceBook Parse(string map) => PriceBook.Parse(Samples.Bytes(map), new FallbackRates());

    private static (long Cost, SpendFlags Flags) Price(PriceBook book, UsageCounters usage)
    {
        SpendRecord record = PriceTests.Record("m", usage, 0);
        book.Price(record);
        return (record.CostNanoUsd, record.Flags);
    }
}
