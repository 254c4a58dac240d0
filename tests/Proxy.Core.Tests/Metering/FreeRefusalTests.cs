using System.Text;
using Proxy.Core.Metering;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

/// <summary>A refusal before any output costs nothing, and its tokens are booked; after output it costs what it says.</summary>
public sealed class FreeRefusalTests
{
    private const string Start = "data: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-opus-5\",\"content\":[],\"usage\":{\"input_tokens\":1000,\"output_tokens\":1}}}\n\n";
    private const string Block = "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
    private const string Stop = "data: {\"type\":\"message_stop\"}\n\n";

    [Theory]
    [InlineData("", 1, true)]
    [InlineData("", 0, true)]
    [InlineData("", 2, false)]
    [InlineData(Block, 1, false)]
    [InlineData("data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"fallback\",\"to\":{\"model\":\"x\"}}}\n\n", 1, true)]
    public void In_a_stream(string output, int tokens, bool isFree)
    {
        byte[] body = Encoding.UTF8.GetBytes(Start + output + Delta(tokens, "refusal") + Stop);
        using ResponseMeter meter = new();
        for (int cut = -2; cut <= body.Length; cut++)
        {
            SpendRecord record = MeterRun.Run(meter, body, MeterRun.EventStream, complete: true, cut);
            PriceBook.BuiltIn.Price(record);
            Assert.Equal((1000, tokens), (record.Usage.InputTokens, record.Usage.OutputTokens));
            Assert.Equal(isFree ? SpendFlags.RefusedFree : SpendFlags.None, record.Flags);
            Assert.Equal(isFree ? 0 : 5_000_000 + (tokens * 25_000), record.CostNanoUsd);
        }
    }

    [Fact]
    public void Another_stop_reason_costs_what_it_says()
    {
        SpendRecord record = MeterRun.Sse(Start + Delta(1, "end_turn") + Stop);
        PriceBook.BuiltIn.Price(record);
        Assert.Equal((5_025_000, SpendFlags.None), (record.CostNanoUsd, record.Flags));
    }

    [Theory]
    [InlineData("[]", 1, true)]
    [InlineData("[]", 0, true)]
    [InlineData("[{\"type\":\"fallback\"}]", 0, true)]
    [InlineData("[{\"type\":\"text\",\"text\":\"I\"}]", 1, false)]
    [InlineData("[]", 5, false)]
    public void In_a_document_whatever_the_order(string content, int tokens, bool isFree)
    {
        string usage = $"\"usage\":{{\"input_tokens\":1000,\"output_tokens\":{tokens}}}";
        const string Reason = "\"stop_reason\":\"refusal\",\"stop_details\":{\"type\":\"refusal\",\"category\":\"cyber\"}";
        foreach (string body in new[]
        {
            $"{{\"model\":\"claude-opus-5\",\"content\":{content},{Reason},{usage}}}",
            $"{{{usage},{Reason},\"content\":{content},\"model\":\"claude-opus-5\"}}",
        })
        {
            for (int cut = -2; cut <= body.Length; cut++)
            {
                SpendRecord record = MeterRun.Run(Encoding.UTF8.GetBytes(body), MeterRun.Json, complete: true, cut);
                PriceBook.BuiltIn.Price(record);
                Assert.Equal(isFree ? 0 : 5_000_000 + (tokens * 25_000), record.CostNanoUsd);
                Assert.Equal(isFree ? SpendFlags.RefusedFree : SpendFlags.None, record.Flags);
            }
        }
    }

    [Fact]
    public void A_document_that_breaks_off_behind_its_usage_is_not_taken_for_free()
    {
        SpendRecord record = MeterRun.Document("{\"model\":\"claude-opus-5\",\"stop_reason\":\"refusal\",\"usage\":{\"input_tokens\":1000,\"output_tokens\":1},\"content\":[{", complete: false);
        Assert.False(record.Flags.HasFlag(SpendFlags.RefusedFree));
    }

    [Fact]
    public void A_declined_attempt_among_iterations_is_free_and_the_one_that_answered_is_not()
    {
        SpendRecord record = MeterRun.Document("""
            {"model":"claude-sonnet-5","stop_reason":"end_turn","content":[{"type":"fallback"},{"type":"text","text":"Yes."}],
             "usage":{"input_tokens":1000,"output_tokens":100,"iterations":[
              {"type":"message","model":"claude-opus-5","input_tokens":1000,"output_tokens":0},
              {"type":"fallback_message","model":"claude-sonnet-5","input_tokens":1000,"output_tokens":100}]}}
            """);
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(2_000_000 + 1_000_000, record.CostNanoUsd);
        Assert.Equal(SpendFlags.RefusedFree, record.Flags);
        Assert.True(record.Iteration(0).IsFree);
        Assert.False(record.Iteration(1).IsFree);
    }

    [Fact]
    public void An_iteration_that_says_itself_that_it_was_refused_is_free_only_without_output()
    {
        SpendRecord record = MeterRun.Document("""
            {"model":"claude-opus-5","stop_reason":"end_turn","usage":{"input_tokens":1000,"output_tokens":100,"iterations":[
              {"type":"message","model":"claude-opus-5","stop_reason":"refusal","input_tokens":1000,"output_tokens":1},
              {"type":"message","model":"claude-opus-5","stop_reason":"refusal","input_tokens":1000,"output_tokens":9}]}}
            """);
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(5_000_000 + (9 * 25_000), record.CostNanoUsd);
    }

    [Fact]
    public void When_every_attempt_was_declined_only_what_an_advisor_said_costs()
    {
        SpendRecord record = MeterRun.Document("""
            {"model":"claude-sonnet-5","stop_reason":"refusal","content":[],"usage":{"input_tokens":1000,"output_tokens":0,"iterations":[
              {"type":"message","model":"claude-opus-5","input_tokens":1000,"output_tokens":1},
              {"type":"advisor_message","model":"claude-opus-5","input_tokens":0,"output_tokens":10},
              {"type":"fallback_message","model":"claude-sonnet-5","input_tokens":1000,"output_tokens":0}]}}
            """);
        PriceBook.BuiltIn.Price(record);
        Assert.Equal(250_000, record.CostNanoUsd);
    }

    [Theory]
    [InlineData("[\"cyber\"]", 0)]
    [InlineData("[\"bio\",\"cyber\"]", 0)]
    [InlineData("[\"bio\"]", 5_025_000)]
    [InlineData("[]", 5_025_000)]
    public void The_categories_are_data_beside_the_prices(string categories, long cost)
    {
        string map = Encoding.UTF8.GetString(PriceBook.ReadBuiltInMap()).Trim();
        PriceBook book = PriceBook.Parse(Encoding.UTF8.GetBytes("{\"x_free_refusals\":" + categories + "," + map[1..]), new FallbackRates());
        using ResponseMeter meter = new() { FreeRefusals = book.FreeRefusals };
        SpendRecord record = MeterRun.Run(meter, Encoding.UTF8.GetBytes(Start + Delta(1, "refusal") + Stop), MeterRun.EventStream, complete: true, -1);
        book.Price(record);
        Assert.Equal(cost, record.CostNanoUsd);
    }

    [Theory]
    [InlineData("\"cyber\"")]
    [InlineData("[1]")]
    [InlineData("{}")]
    public void Categories_that_are_none_are_refused(string categories) =>
        Assert.Contains("x_free_refusals", Assert.Throws<FormatException>(
            () => PriceBook.Parse(Encoding.UTF8.GetBytes("{\"x_free_refusals\":" + categories + "}"), new FallbackRates())).Message, StringComparison.Ordinal);

    private static string Delta(int tokens, string reason) =>
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason + "\",\"stop_details\":{\"type\":\"refusal\",\"category\":\"cyber\"}},"
        + "\"usage\":{\"output_tokens\":" + tokens + "}}\n\n";
}
