using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

/// <summary>Answers of <c>/v1/chat/completions</c> and <c>/v1/complete</c> are metered in their own shape.</summary>
public sealed class ChatCompletionTests
{
    private const string Usage = """
        "usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":60},"completion_tokens_details":{"reasoning_tokens":7}}
        """;

    private const string Document = """
        {"id":"msg_1","object":"chat.completion","created":1,"model":"claude-opus-5","choices":[{"index":0,"message":{"role":"assistant","content":"\"usage\":{} Hello","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"stop"}],
        """ + Usage + "}";

    private const string Chunks = """
        data: {"id":"msg_1","object":"chat.completion.chunk","model":"claude-opus-5","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}

        data: {"id":"msg_1","model":"claude-opus-5","choices":[{"index":0,"delta":{"content":"Hello, and welcome."}}],"usage":null}

        data: {"id":"msg_1","model":"claude-opus-5","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]},"finish_reason":null}]}


        """;

    private const string Last = "data: {\"id\":\"msg_1\",\"model\":\"claude-opus-5\",\"choices\":[]," + Usage + "}\n\n";
    private const string Done = "data: [DONE]\n\n";

    [Fact]
    public void Every_split_of_a_document_gives_the_same_counters()
    {
        byte[] body = Samples.Bytes(Document);
        using ResponseMeter meter = new();
        for (int cut = -2; cut <= body.Length; cut++)
        {
            AssertExact(Run(meter, body, "application/json", true, cut));
            Assert.True(meter.HasUsage);
        }
    }

    [Fact]
    public void Every_split_of_a_stream_with_usage_gives_the_same_counters()
    {
        byte[] body = Samples.Bytes(Chunks + Last + Done);
        using ResponseMeter meter = new();
        for (int cut = -2; cut <= body.Length; cut++)
        {
            AssertExact(Run(meter, body, "text/event-stream", true, cut));
        }
    }

    [Fact]
    public void A_stream_without_usage_is_estimated_and_told_to_the_exchange()
    {
        byte[] body = Samples.Bytes(Chunks + Done);
        using ResponseMeter meter = new();
        for (int cut = -2; cut <= body.Length; cut++)
        {
            SpendRecord record = Run(meter, body, "text/event-stream", true, cut);
            Assert.Equal(SpendFlags.Estimated, record.Flags);
            Assert.Equal("claude-opus-5", record.ModelServed.ToString());
            Assert.Equal(("Hello, and welcome.".Length + "{\"a\":1}".Length) / 4, record.Usage.OutputTokens);
            Assert.True(meter.LacksUsage);
        }
    }

    [Fact]
    public void A_stream_without_its_end_is_incomplete()
    {
        using ResponseMeter meter = new();
        SpendRecord record = Run(meter, Samples.Bytes(Chunks + Last), "text/event-stream", true, -1);
        Assert.Equal((SpendFlags.Incomplete, 20), (record.Flags, record.Usage.OutputTokens));
    }

    [Theory]
    [InlineData("data: [DONE")]
    [InlineData("data: [DONE]x\n\n")]
    [InlineData("data: DONE\n\n")]
    public void What_only_resembles_the_end_is_none(string end)
    {
        using ResponseMeter meter = new();
        Assert.True(Run(meter, Samples.Bytes(Chunks + Last + end), "text/event-stream", true, -2).Flags.HasFlag(SpendFlags.Incomplete));
    }

    [Fact]
    public void An_error_in_the_stream_ends_it()
    {
        using ResponseMeter meter = new();
        SpendRecord record = Run(meter, Samples.Bytes("data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}}\n\n"), "text/event-stream", true, -1);
        Assert.Equal(EndReason.UpstreamErrorEvent, record.EndReason);
        Assert.False(meter.LacksUsage);
    }

    [Fact]
    public void Cached_details_that_are_missing_leave_all_of_the_input_uncached()
    {
        using ResponseMeter meter = new();
        SpendRecord record = Run(meter, "{\"model\":\"claude-opus-5\",\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,\"prompt_tokens_details\":null}}"u8.ToArray(), "application/json", true, -1);
        Assert.Equal((100, 0, 20), (record.Usage.InputTokens, record.Usage.CacheReadInputTokens, record.Usage.OutputTokens));
    }

    [Theory]
    [InlineData("{\"type\":\"completion\",\"id\":\"compl_1\",\"completion\":\" Hello there\",\"stop_reason\":\"stop_sequence\",\"model\":\"claude-2.1\"}", "application/json")]
    [InlineData("event: completion\ndata: {\"type\":\"completion\",\"completion\":\" Hello \",\"stop_reason\":null,\"model\":\"claude-2.1\"}\n\nevent: ping\ndata: {}\n\n"
        + "event: completion\ndata: {\"type\":\"completion\",\"completion\":\"there\",\"stop_reason\":\"stop_sequence\",\"model\":\"claude-2.1\"}\n\n", "text/event-stream")]
    public void A_text_completion_says_its_model_and_its_output_is_estimated(string body, string type)
    {
        using ResponseMeter meter = new();
        SpendRecord record = Run(meter, Samples.Bytes(body), type, true, -2, PathClass.Completions);
        Assert.Equal(("claude-2.1", 3), (record.ModelServed.ToString(), record.Usage.OutputTokens));
        Assert.True(record.Flags.HasFlag(SpendFlags.Estimated));
        Assert.False(record.Flags.HasFlag(SpendFlags.Incomplete));
        Assert.True(meter.LacksUsage);
    }

    private static void AssertExact(SpendRecord record)
    {
        Assert.Equal(("claude-opus-5", "msg_1", SpendFlags.None), (record.ModelServed.ToString(), record.MessageId.ToString(), record.Flags));
        Assert.Equal(new UsageCounters { InputTokens = 40, CacheReadInputTokens = 60, OutputTokens = 20, ThinkingTokens = 7 }, record.Usage);
        PriceBook.BuiltIn.Price(record);
        Assert.Equal((40 * 5000) + (60 * 500) + (20 * 25_000), record.CostNanoUsd);
    }

    private static SpendRecord Run(ResponseMeter meter, byte[] body, string type, bool complete, int cut, PathClass path = PathClass.ChatCompletions) =>
        MeterRun.Run(meter, body, Samples.Bytes(type), complete, cut, path: path);
}
