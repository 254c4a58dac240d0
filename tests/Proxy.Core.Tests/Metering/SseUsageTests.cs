using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

public sealed class SseUsageTests
{
    private const string Start =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n";

    private const string Stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    [Fact]
    public void Whole_stream_books_every_field()
    {
        SpendRecord record = MeterRun.Sse(Samples.Stream);
        Assert.Equal("claude-opus-5-20260601", record.ModelServed.ToString());
        Assert.Equal("msg_01ABC", record.MessageId.ToString());
        Assert.True(record.Streamed);
        Assert.Equal(SpendFlags.None, record.Flags);
        Assert.Equal(EndReason.Complete, record.EndReason);
        UsageCounters expected = new()
        {
            InputTokens = 25,
            CacheReadInputTokens = 90001,
            CacheCreationInputTokens = 700,
            CacheCreation5mInputTokens = 500,
            CacheCreation1hInputTokens = 200,
            OutputTokens = 321,
            ThinkingTokens = 100,
            WebSearchRequests = 2,
            WebFetchRequests = 3,
            ServiceTier = ServiceTier.Standard,
            Speed = Speed.Fast,
            InferenceGeo = InferenceGeo.Us,
        };
        Assert.Equal(expected, record.Usage);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r")]
    [InlineData("\r\n")]
    public void Every_split_and_line_end_gives_the_same_record(string lineEnd)
    {
        byte[] body = Samples.Bytes(Samples.Stream.ReplaceLineEndings(lineEnd));
        string expected = MeterRun.Describe(MeterRun.Sse(Samples.Stream));
        for (int cut = -2; cut <= body.Length; cut++)
        {
            Assert.Equal(expected, MeterRun.Describe(MeterRun.Sse(body, complete: true, cut)));
        }
    }

    [Theory]
    [InlineData("\uFEFF", "data: ")]
    [InlineData("", "data:")]
    [InlineData(": comment\n", "data: ")]
    [InlineData("retry: 5\nid: 7\nfoo\nunknown: x\n", "data: ")]
    [InlineData("event: message_delta\n", "data: ")]
    [InlineData("event:message_delta\n", "data: ")]
    [InlineData("event: ping\nevent: message_delta\n", "data: ")]
    [InlineData("data: \ndata:\n", "data: ")]
    [InlineData("event: \n", "data: ")]
    [InlineData("event\n", "data: ")]
    public void Grammar_variants_of_a_message_delta(string before, string field)
    {
        string body = before + field + """{"type":"message_delta","usage":{"output_tokens":42}}""" + "\n\n" + Stop;
        byte[] bytes = Samples.Bytes(body);
        for (int cut = -2; cut <= bytes.Length; cut++)
        {
            SpendRecord record = MeterRun.Sse(bytes, complete: true, cut);
            Assert.Equal(42, record.Usage.OutputTokens);
            Assert.Equal(SpendFlags.None, record.Flags);
        }
    }

    [Fact]
    public void Event_name_may_follow_the_data()
    {
        Assert.Equal(7, MeterRun.Sse(Start + "data: {\"usage\":{\"output_tokens\":7}}\nevent: message_delta\n\n").Usage.OutputTokens);
        Assert.Equal(1, MeterRun.Sse(Start + "data: {\"usage\":{\"output_tokens\":7}}\nevent: ping\n\n").Usage.OutputTokens);
    }

    [Fact]
    public void Data_lines_of_one_record_are_one_document()
    {
        const string body = "data: {\"type\":\"message_delta\",\ndata: \"usage\":{\"output_tokens\":\ndata:7\ndata\ndata: }}\n\n";
        Assert.Equal(7, MeterRun.Sse(Start + body).Usage.OutputTokens);
    }

    [Theory]
    [InlineData("dat: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n\n")]
    [InlineData("datax: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n\n")]
    [InlineData(" data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n\n")]
    [InlineData(":data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n\n")]
    [InlineData("Data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n\n")]
    [InlineData("event: message_stop\n\n")]
    [InlineData("event: future_event\ndata: {\"usage\":{\"output_tokens\":7}}\n\n")]
    [InlineData("event: future_event\ndata: not json\n\n")]
    public void What_is_no_such_event_books_nothing(string body)
    {
        SpendRecord record = MeterRun.Sse(Start + body);
        Assert.Equal(1, record.Usage.OutputTokens);
        Assert.Equal(SpendFlags.Incomplete, record.Flags);
    }

    [Fact]
    public void Last_record_without_a_blank_line_is_not_an_event()
    {
        SpendRecord record = MeterRun.Sse(Start + "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n");
        Assert.Equal(1, record.Usage.OutputTokens);
    }

    [Fact]
    public void Cut_inside_a_number_books_nothing_of_it()
    {
        SpendRecord record = MeterRun.Sse(Start + "data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":9,\"output_tokens\":7", complete: false);
        Assert.Equal(10, record.Usage.InputTokens);
        Assert.Equal(1, record.Usage.OutputTokens);
        Assert.Equal(SpendFlags.Incomplete, record.Flags);
    }

    [Fact]
    public void Counters_are_cumulative_and_absent_or_null_keeps_the_earlier()
    {
        SpendRecord record = MeterRun.Sse(Start
            + "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7,\"cache_read_input_tokens\":5}}\n\n"
            + "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9,\"cache_read_input_tokens\":null,\"input_tokens\":\"3\"}}\n\n"
            + "data: {\"type\":\"message_delta\",\"usage\":null}\n\n" + Stop);
        Assert.Equal(9, record.Usage.OutputTokens);
        Assert.Equal(5, record.Usage.CacheReadInputTokens);
        Assert.Equal(3, record.Usage.InputTokens);
        Assert.Equal(SpendFlags.Irregular, record.Flags);
    }

    [Fact]
    public void Iterations_are_replaced_as_a_whole_and_kept_when_absent()
    {
        SpendRecord record = MeterRun.Sse(
            "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"iterations\":[{\"type\":\"message\",\"input_tokens\":1},{\"type\":\"message\"}]}}}\n\n"
            + "data: {\"type\":\"message_delta\",\"usage\":{\"iterations\":[{\"type\":\"advisor_message\",\"model\":\"a\",\"output_tokens\":4}]}}\n\n"
            + "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":2,\"iterations\":null}}\n\n" + Stop);
        Assert.Equal(1, record.IterationCount);
        Assert.Equal(IterationKind.AdvisorMessage, record.Iteration(0).Kind);
        Assert.Equal("a", record.Iteration(0).Model.ToString());
        Assert.Equal(4, record.Iteration(0).Usage.OutputTokens);
        Assert.Equal(2, record.Usage.OutputTokens);
    }

    [Fact]
    public void Too_many_iterations_are_folded_into_the_last_and_flagged()
    {
        string entries = string.Join(',', Enumerable.Repeat("{\"type\":\"message\",\"output_tokens\":1}", SpendRecord.MaxIterations + 6));
        SpendRecord record = MeterRun.Sse("data: {\"type\":\"message_delta\",\"usage\":{\"iterations\":[" + entries + "]}}\n\n" + Stop);
        Assert.Equal(SpendRecord.MaxIterations, record.IterationCount);
        Assert.Equal(7, record.Iteration(SpendRecord.MaxIterations - 1).Usage.OutputTokens);
        Assert.True(record.Flags.HasFlag(SpendFlags.IterationsFolded));
    }

    [Fact]
    public void Cut_stream_is_incomplete_and_delivered_text_is_estimated()
    {
        string delta = "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"" + new string('x', 400) + "\"}}\n\n";
        SpendRecord record = MeterRun.Sse(Start + delta + delta, complete: false);
        Assert.Equal(200, record.Usage.OutputTokens);
        Assert.Equal(10, record.Usage.InputTokens);
        Assert.Equal(SpendFlags.Incomplete | SpendFlags.Estimated, record.Flags);
    }

    [Fact]
    public void Cut_stream_with_iterations_gives_the_estimate_to_the_last()
    {
        string body = "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"iterations\":[{\"type\":\"message\",\"output_tokens\":5}]}}}\n\n"
            + "data: {\"type\":\"content_block_delta\",\"delta\":{\"thinking\":\"" + new string('x', 400) + "\"}}\n\n";
        SpendRecord record = MeterRun.Sse(body, complete: false);
        Assert.Equal(100, record.Usage.OutputTokens);
        Assert.Equal(100, record.Iteration(0).Usage.OutputTokens);
    }

    [Fact]
    public void Cut_after_the_final_usage_is_incomplete_but_not_estimated()
    {
        string body = Start + "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"" + new string('x', 400) + "\"}}\n\n"
            + "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":33}}\n\n";
        SpendRecord record = MeterRun.Sse(body, complete: false);
        Assert.Equal(33, record.Usage.OutputTokens);
        Assert.Equal(SpendFlags.Incomplete, record.Flags);
    }

    [Fact]
    public void Stream_that_ends_without_message_stop_is_incomplete() =>
        Assert.Equal(SpendFlags.Incomplete, MeterRun.Sse(Start, complete: true).Flags);

    [Fact]
    public void Error_event_sets_the_end_reason_and_before_output_clears_the_placeholder()
    {
        SpendRecord record = MeterRun.Sse(Start + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n");
        Assert.Equal(EndReason.UpstreamErrorEvent, record.EndReason);
        Assert.Equal(0, record.Usage.OutputTokens);
        Assert.Equal(10, record.Usage.InputTokens);
        Assert.Equal(SpendFlags.Incomplete, record.Flags);
    }

    [Fact]
    public void Error_event_after_output_is_estimated()
    {
        SpendRecord record = MeterRun.Sse(Start + "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"12345678\"}}\n\n"
            + "data: {\"type\":\"error\"}\n\n");
        Assert.Equal(EndReason.UpstreamErrorEvent, record.EndReason);
        Assert.Equal(2, record.Usage.OutputTokens);
        Assert.Equal(SpendFlags.Incomplete | SpendFlags.Estimated, record.Flags);
    }

    [Fact]
    public void Broken_json_in_a_named_event_is_flagged_and_leaves_the_counters()
    {
        SpendRecord record = MeterRun.Sse(Start + "event: message_delta\ndata: {\"usage\":{\"output_tokens\":7}\n\n" + Stop);
        Assert.Equal(1, record.Usage.OutputTokens);
        Assert.Equal(SpendFlags.Unreadable, record.Flags);
    }

    [Fact]
    public void Escaped_keys_match_and_of_two_equal_keys_the_last_counts()
    {
        SpendRecord record = MeterRun.Sse(Start
            + """data: {"type":"message_delta","usage":{"output_tokens":3,"cache_read_input_tokens":8},"\u0075sage":{"\u006futput_tokens":4,"output_tokens":5}}"""
            + "\n\n" + Stop);
        Assert.Equal(5, record.Usage.OutputTokens);
        Assert.Equal(0, record.Usage.CacheReadInputTokens);
    }
}
