using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

/// <summary>Answers that are not as the API writes them are read or flagged: never free, never silent.</summary>
public sealed class OddAnswerTests
{
    private const string Stop = "data: {\"type\":\"message_stop\"}\n\n";

    [Theory]
    [InlineData("7.2", 8)]
    [InlineData("\"77\"", 77)]
    [InlineData("\"7.7e1\"", 77)]
    [InlineData("-1", 5)]
    [InlineData("\"x\"", 5)]
    [InlineData("true", 5)]
    [InlineData("[7]", 5)]
    [InlineData("{\"output_tokens\":7}", 5)]
    public void A_count_that_is_none_is_read_or_the_earlier_one_stays_and_it_is_flagged(string value, long expected)
    {
        SpendRecord record = MeterRun.Document("{\"usage\":{\"output_tokens\":5,\"output_tokens\":" + value + "}}");
        Assert.Equal((expected, SpendFlags.Irregular), (record.Usage.OutputTokens, record.Flags));
    }

    [Theory]
    [InlineData("null", 5)]
    [InlineData("77.0", 77)]
    [InlineData("7.7e1", 77)]
    public void A_count_in_another_spelling_is_that_count_and_not_flagged(string value, long expected)
    {
        SpendRecord record = MeterRun.Document("{\"usage\":{\"output_tokens\":5,\"output_tokens\":" + value + "}}");
        Assert.Equal((expected, SpendFlags.None), (record.Usage.OutputTokens, record.Flags));
    }

    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("1000000000001")]
    [InlineData("1e30")]
    public void A_count_above_the_ceiling_is_cut_and_flagged(string value)
    {
        SpendRecord record = MeterRun.Document("{\"usage\":{\"input_tokens\":" + value + ",\"iterations\":[{\"type\":\"message\",\"output_tokens\":" + value + "}]}}");
        Assert.Equal(1_000_000_000_000, record.Usage.InputTokens);
        Assert.Equal(1_000_000_000_000, record.Iteration(0).Usage.OutputTokens);
        Assert.Equal(SpendFlags.CountCut, record.Flags);
    }

    [Theory]
    [InlineData("{\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}},\"usage\":{\"input_tokens\":9}}")]
    [InlineData("{\"usage\":{\"input_tokens\":9},\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1},\"model\":\"m\"},\"type\":\"message_start\"}")]
    public void Of_two_usages_at_the_start_the_one_in_the_message_counts_whatever_the_order(string start)
    {
        SpendRecord record = MeterRun.Sse("data: " + start + "\n\n" + Stop);
        Assert.Equal(("m", 7, 1), (record.ModelServed.ToString(), record.Usage.InputTokens, record.Usage.OutputTokens));
        Assert.Equal(SpendFlags.Irregular, record.Flags);
    }

    [Theory]
    [InlineData("{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":50},\"message\":{\"usage\":{\"output_tokens\":2}}}", SpendFlags.Irregular)]
    [InlineData("{\"message\":{\"usage\":{\"output_tokens\":2}},\"usage\":{\"output_tokens\":50},\"type\":\"message_delta\"}", SpendFlags.Irregular)]
    [InlineData("{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":50},\"message\":{}}", SpendFlags.None)]
    [InlineData("{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":50},\"message\":{\"id\":\"x\"}}", SpendFlags.None)]
    public void A_message_beside_the_usage_of_a_delta_takes_nothing_away(string delta, SpendFlags flags)
    {
        SpendRecord record = MeterRun.Sse("data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\ndata: " + delta + "\n\n" + Stop);
        Assert.Equal((7, 50), (record.Usage.InputTokens, record.Usage.OutputTokens));
        Assert.Equal(flags, record.Flags);
    }

    [Fact]
    public void More_iterations_than_are_kept_are_grouped_by_model_and_nothing_moves_from_one_to_another()
    {
        const int Count = 200;
        string[] models = ["a", "b", "c"];
        string entries = string.Join(',', Enumerable.Range(0, Count).Select(i => $"{{\"output_tokens\":{i},\"type\":\"message\",\"model\":\"{models[i % 3]}\"}}"));
        SpendRecord record = MeterRun.Sse("data: {\"type\":\"message_delta\",\"usage\":{\"iterations\":[" + entries + "]}}\n\n" + Stop);
        Assert.Equal(SpendFlags.IterationsFolded, record.Flags);
        AssertByModel(record, model => Enumerable.Range(0, Count).Where(i => models[i % 3] == model).Sum());
    }

    [Fact]
    public void A_model_that_comes_when_all_room_is_taken_finds_room_among_those_that_are_alike()
    {
        string entries = string.Join(',', Enumerable.Range(0, SpendRecord.MaxIterations + 3)
            .Select(i => $"{{\"type\":\"message\",\"model\":\"{(i < SpendRecord.MaxIterations ? "a" : $"late{i}")}\",\"output_tokens\":1}}"));
        SpendRecord record = MeterRun.Sse("data: {\"type\":\"message_delta\",\"usage\":{\"iterations\":[" + entries + "]}}\n\n" + Stop);
        AssertByModel(record, model => model == "a" ? SpendRecord.MaxIterations : 1);
        Assert.Equal(4, record.IterationCount);
    }

    [Theory]
    [InlineData("", SpendFlags.Irregular)]
    [InlineData("text/plain", SpendFlags.Irregular)]
    [InlineData("application/octet-stream", SpendFlags.Irregular)]
    [InlineData("application/json", SpendFlags.Irregular)]
    [InlineData("text/event-stream", SpendFlags.None)]
    public void A_stream_is_read_whatever_its_type_says(string type, SpendFlags flags)
    {
        string expected = MeterRun.Describe(MeterRun.Sse(Samples.Stream));
        foreach (string start in new[] { "", "\n\r\n", "\uFEFF", ": hello\n", "id: 1\n", "retry: 5\n\n" })
        {
            byte[] body = Samples.Bytes(start + Samples.Stream);
            for (int cut = -2; cut < 40; cut++)
            {
                SpendRecord record = MeterRun.Run(body, Samples.Bytes(type), complete: true, cut);
                Assert.Equal(flags, record.Flags);
                record.Flags = SpendFlags.None;
                Assert.Equal(expected, MeterRun.Describe(record));
            }
        }
    }

    [Theory]
    [InlineData("", SpendFlags.Irregular)]
    [InlineData("text/plain", SpendFlags.Irregular)]
    [InlineData("text/event-stream", SpendFlags.Irregular)]
    [InlineData("application/json", SpendFlags.None)]
    public void A_document_is_read_whatever_its_type_says(string type, SpendFlags flags)
    {
        string expected = MeterRun.Describe(MeterRun.Document(Samples.Json));
        foreach (string start in new[] { "", "\r\n ", "\uFEFF", "\uFEFF\n\t" })
        {
            byte[] body = Samples.Bytes(start + Samples.Json);
            for (int cut = -2; cut < 20; cut++)
            {
                SpendRecord record = MeterRun.Run(body, Samples.Bytes(type), complete: true, cut);
                Assert.Equal(flags, record.Flags);
                record.Flags = SpendFlags.None;
                Assert.Equal(expected, MeterRun.Describe(record));
            }
        }
    }

    [Theory]
    [InlineData("<html>", "text/html")]
    [InlineData("\u0001\u0002", "")]
    [InlineData("", "text/plain")]
    [InlineData("{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[]}", "application/json")]
    [InlineData("data: {\"type\":\"message_stop\"}\n\n", "text/event-stream")]
    public void An_answer_without_usage_is_told_to_the_exchange(string body, string type)
    {
        using ResponseMeter meter = new();
        MeterRun.Run(meter, Samples.Bytes(body), Samples.Bytes(type), complete: true, -1);
        Assert.True(meter.LacksUsage);
        Assert.False(meter.HasUsage);
        MeterRun.Run(meter, Samples.Bytes(Samples.Json), MeterRun.Json, complete: true, -1);
        Assert.False(meter.LacksUsage);
        Assert.True(meter.HasUsage);
    }

    [Theory]
    [InlineData("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", "application/json")]
    [InlineData("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n", "text/event-stream")]
    public void An_error_before_any_output_lacks_nothing(string body, string type)
    {
        using ResponseMeter meter = new();
        MeterRun.Run(meter, Samples.Bytes(body), Samples.Bytes(type), complete: true, -1);
        Assert.False(meter.LacksUsage);
    }

    [Fact]
    public void The_estimate_of_a_cut_stream_is_never_above_what_the_request_allows()
    {
        string delta = "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"" + new string('x', 4000) + "\"}}\n\n";
        using ResponseMeter meter = new() { MaxOutputTokens = 64 };
        SpendRecord record = MeterRun.Run(meter, Samples.Bytes(delta), MeterRun.EventStream, complete: false, -1);
        Assert.Equal((64, SpendFlags.Estimated | SpendFlags.Incomplete), (record.Usage.OutputTokens, record.Flags));

        // The next one has a limit of its own, or none.
        record = MeterRun.Run(meter, Samples.Bytes(delta), MeterRun.EventStream, complete: false, -1);
        Assert.Equal(1000, record.Usage.OutputTokens);
    }

    [Fact]
    public void What_the_journal_is_told_of_delivered_output_keeps_to_the_limit_too()
    {
        using ResponseMeter meter = new() { MaxOutputTokens = 64 };
        SpendRecord record = new() { PathClass = Proxy.Core.Anthropic.PathClass.Messages };
        meter.Begin(record, 200, MeterRun.EventStream, default);
        meter.Feed(Samples.Bytes("data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"" + new string('x', 4000) + "\"}}\n\n"));
        Assert.Equal(256, record.DeliveredOutputBytes);
    }

    private static void AssertByModel(SpendRecord record, Func<string, int> expected)
    {
        IEnumerable<IGrouping<string, IterationUsage>> groups = Enumerable.Range(0, record.IterationCount).Select(record.Iteration).GroupBy(one => one.Model.ToString());
        Assert.All(groups, group => Assert.Equal(expected(group.Key), group.Sum(one => one.Usage.OutputTokens)));
    }
}
