using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>When a request is settled, and what a client that leaves is charged.</summary>
public sealed class SettleTests
{
    private const string Body = """{"model":"claude-sonnet-5","max_tokens":100000}""";
    private const string Json = """{"id":"msg_1","model":"claude-sonnet-5","usage":{"input_tokens":0,"output_tokens":1000}}""";

    [Fact]
    public async Task A_request_is_settled_before_its_last_byte_reaches_the_client()
    {
        Assert.True(BudgetPeriod.TryParse("1d", out BudgetPeriod day));
        AdmissionScope key = new(ScopeKind.Key, "k") { Limits = new ScopeLimits { Budgets = [new Budget(day, 100_000_000_000)], ParallelRequests = 1 } };
        await using Bench bench = new(principal: new Principal { Key = new KeyIdentity(Bench.KeyHash), Scopes = [key] }, outputPause: 1);
        await bench.Client.SendAsync(Bench.Post(Body));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("}");
        await upstream.RespondAsync(Bench.Ok(Json));

        // Nobody has read a byte of the answer.
        Assert.Equal(0, key.InFlight);
        List<BudgetState> states = [];
        key.ReadBudgets(bench.Time.GetUtcNow().ToUnixTimeMilliseconds(), states);
        Assert.Equal((0, 10_000_000), (states[0].ReservedNanoUsd, states[0].SpentNanoUsd));
        Assert.Empty(bench.Sink.Done);
        _ = await bench.Client.ReadUntilAsync("}}");
        Assert.Equal(EndReason.Complete, (await bench.Sink.NextAsync(0)).EndReason);
    }

    [Fact]
    public async Task A_client_that_leaves_behind_message_stop_has_its_whole_answer()
    {
        await using Bench bench = new();
        ScriptedUpstream upstream = await StreamAsync(bench);
        const string Rest = "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\n\n"
            + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        await upstream.RespondAsync(Chunk(Rest));
        _ = await bench.Client.ReadUntilAsync("message_stop\"}\n\n");
        bench.Client.Leave();
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(
            (EndReason.Complete, ForwardFailure.None, SpendFlags.None, 5L),
            (record.EndReason, record.Failure, record.Flags, record.Usage.OutputTokens));
        Assert.True(upstream.WasAborted);
    }

    [Fact]
    public async Task A_client_that_leaves_before_message_stop_left_early()
    {
        await using Bench bench = new();
        _ = await StreamAsync(bench);
        bench.Client.Leave();
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal((EndReason.ClientGone, ForwardFailure.ClientGone), (record.EndReason, record.Failure));
        Assert.True(record.Flags.HasFlag(SpendFlags.Incomplete));
    }

    [Fact]
    public async Task A_client_that_leaves_before_any_usage_is_charged_for_the_prompt_that_was_sent()
    {
        await using Bench bench = new();
        string body = "{\"model\":\"claude-sonnet-5\",\"max_tokens\":10,\"messages\":[\"" + new string('x', 40_000) + "\"]}";
        await bench.Client.SendAsync(Bench.Post(body));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\"]}");
        bench.Client.Leave();
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(EndReason.ClientGone, record.EndReason);
        Assert.True(record.Flags.HasFlag(SpendFlags.Estimated));
        Assert.InRange(record.Usage.InputTokens, 10_000, 10_100);
        Assert.InRange(record.CostNanoUsd, 10_000 * 2000, 10_100 * 2000);
    }

    [Theory]
    [InlineData("/anthropic/v1/messages")]
    [InlineData("/anthropic/v1/complete")]
    public async Task A_whole_answer_without_usage_is_booked_as_what_was_reserved_for_it(string path)
    {
        await using Bench bench = new();
        const string Silent = """{"completion":"hello there, this is an answer that says nothing of what it cost"}""";
        await bench.Client.SendAsync(Bench.Post("{\"model\":\"claude-sonnet-5\",\"max_tokens\":10,\"messages\":[]}", path: path));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("[]}");
        await upstream.RespondAsync(Bench.Ok(Silent));
        _ = await bench.Client.ReadUntilAsync("cost\"}");
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(EndReason.Complete, record.EndReason);
        Assert.True(record.Flags.HasFlag(SpendFlags.Estimated));
        Assert.InRange(record.Usage.InputTokens, 1, 100);
        Assert.InRange(record.Usage.OutputTokens, 1, 82);
        Assert.True(record.CostNanoUsd > 0);
    }

    [Fact]
    public async Task A_connection_that_fails_before_the_request_is_whole_costs_nothing()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Post(Body)[..^5]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        bench.Client.Leave();
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal((EndReason.ClientGone, 0L, 0L), (record.EndReason, record.CostNanoUsd, record.Usage.InputTokens));
    }

    private static string Chunk(string text) => $"{text.Length:x}\r\n{text}\r\n";

    private static async Task<ScriptedUpstream> StreamAsync(Bench bench)
    {
        await bench.Client.SendAsync(Bench.Post("{\"model\":\"claude-sonnet-5\",\"stream\":true}"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("true}");
        const string Start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
            + "\"model\":\"claude-sonnet-5\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n";
        await upstream.RespondAsync($"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{Chunk(Start)}");
        _ = await bench.Client.ReadUntilAsync(Start);
        return upstream;
    }
}
