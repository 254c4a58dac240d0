using Proxy.Core.Metering;
using Proxy.Core.Metering.Json;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

public sealed class JsonUsageTests
{
    [Fact]
    public void Whole_answer_books_every_field_and_iteration()
    {
        SpendRecord record = MeterRun.Document(Samples.Json);
        Assert.Equal("claude-sonnet-5-5", record.ModelServed.ToString());
        Assert.Equal("msg_02XYZ", record.MessageId.ToString());
        Assert.False(record.Streamed);
        Assert.Equal(SpendFlags.None, record.Flags);
        UsageCounters expected = new()
        {
            InputTokens = 12,
            CacheReadInputTokens = 3400,
            CacheCreationInputTokens = 56,
            CacheCreation5mInputTokens = 6,
            CacheCreation1hInputTokens = 50,
            OutputTokens = 78,
            ThinkingTokens = 9,
            WebSearchRequests = 1,
            ServiceTier = ServiceTier.Priority,
            InferenceGeo = InferenceGeo.Global,
        };
        Assert.Equal(expected, record.Usage);
        Assert.Equal(3, record.IterationCount);
        Assert.Equal(IterationKind.Message, record.Iteration(0).Kind);
        Assert.Equal(50, record.Iteration(0).Usage.CacheCreation1hInputTokens);
        Assert.Equal(IterationKind.Compaction, record.Iteration(1).Kind);
        Assert.True(record.Iteration(1).Model.IsEmpty);
        Assert.Equal(500, record.Iteration(1).Usage.InputTokens);
        Assert.Equal("claude-opus-5", record.Iteration(2).Model.ToString());
    }

    [Fact]
    public void Every_split_gives_the_same_record()
    {
        byte[] body = Samples.Bytes(Samples.Json);
        string expected = MeterRun.Describe(MeterRun.Document(Samples.Json));
        using ResponseMeter meter = new();
        for (int cut = -2; cut <= body.Length; cut++)
        {
            Assert.Equal(expected, MeterRun.Describe(MeterRun.Run(meter, body, MeterRun.Json, complete: true, cut)));
        }
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("77.0", 77)]
    [InlineData("7700e-2", 77)]
    [InlineData("1e3", 1000)]
    [InlineData("1E+3", 1000)]
    [InlineData("-0.0e9", 0)]
    [InlineData("0e99999999999", 0)]
    [InlineData("0.0000000000000000000000000000000000077e37", 77)]
    [InlineData("9223372036854775806.0", long.MaxValue - 1)]
    [InlineData("922337203685477580600e-2", long.MaxValue - 1)]
    [InlineData("9.223372036854775806e18", long.MaxValue - 1)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("9223372036854775808", long.MaxValue)]
    [InlineData("99999999999999999999999999999999999999", long.MaxValue)]
    [InlineData("1e99999999999", long.MaxValue)]
    public void A_count_is_that_count_however_it_is_written_and_large_ones_saturate(string number, long expected)
    {
        Assert.True(JsonNumberReader.TryParseCount(Samples.Bytes(number), out long count));
        Assert.Equal(expected, count);
    }

    [Theory]
    [InlineData("1.5", 2)]
    [InlineData("1e-1", 1)]
    [InlineData("12345678901234567890123e-20", 124)]
    [InlineData("-1", 0)]
    [InlineData("-77.0", 0)]
    [InlineData("1e", 0)]
    [InlineData("1.", 0)]
    [InlineData("1-2", 0)]
    [InlineData("12a", 12)]
    [InlineData("", 0)]
    public void What_is_no_count_is_rounded_up_or_nothing(string number, long expected)
    {
        Assert.False(JsonNumberReader.TryParseCount(Samples.Bytes(number), out long count));
        Assert.Equal(expected, count);
    }

    [Fact]
    public void Error_body_has_no_usage_even_with_status_200()
    {
        SpendRecord record = MeterRun.Document("{\"usage\":{\"output_tokens\":5},\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}");
        Assert.Equal(default, record.Usage);
        Assert.Equal(SpendFlags.None, record.Flags);
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("{\"usage\":{\"output_tokens\":5}")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"usage\" 5}")]
    [InlineData("{\"usage\":tru}")]
    [InlineData("{\"usage\":{\"speed\":\"\\x\"}}")]
    [InlineData("{\"usage\":{\"speed\":\"\\u00g0\"}}")]
    public void What_is_no_answer_is_unreadable(string body) =>
        Assert.True(MeterRun.Document(body).Flags.HasFlag(SpendFlags.Unreadable));

    [Fact]
    public void Cut_behind_the_usage_books_it()
    {
        SpendRecord record = MeterRun.Document("{\"model\":\"m\",\"usage\":{\"output_tokens\":5},\"x\":", complete: false);
        Assert.Equal(5, record.Usage.OutputTokens);
        Assert.Equal("m", record.ModelServed.ToString());
        Assert.Equal(SpendFlags.Incomplete, record.Flags);
    }

    [Fact]
    public void Cut_before_the_usage_estimates_the_text()
    {
        SpendRecord record = MeterRun.Document(
            "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"" + new string('a', 40) + "\"},{\"text\":\"" + new string('b', 60), complete: false);
        Assert.Equal(25, record.Usage.OutputTokens);
        Assert.Equal(SpendFlags.Incomplete | SpendFlags.Estimated, record.Flags);
    }

    [Fact]
    public void Byte_order_mark_and_white_space_are_tolerated()
    {
        SpendRecord record = MeterRun.Document("\uFEFF \r\n\t{ \"usage\" : { \"output_tokens\" : 5 } } \n");
        Assert.Equal(5, record.Usage.OutputTokens);
        Assert.Equal(SpendFlags.None, record.Flags);
    }

    [Fact]
    public void Model_is_decoded_and_cut_at_its_capacity()
    {
        SpendRecord record = MeterRun.Document("{\"model\":\"cl\\u0061ude\\/\\ud83d\\ude00\\u00e9\",\"usage\":{}}");
        Assert.Equal("claude/😀é", record.ModelServed.ToString());
        record = MeterRun.Document("{\"model\":\"" + new string('m', 500) + "\",\"usage\":{}}");
        Assert.Equal(SpendRecord.ModelCapacity, record.ModelServed.Bytes.Length);
    }
}
