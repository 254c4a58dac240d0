using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>An answer that comes while the request body still goes up: what each flow may touch, seen from outside.</summary>
public sealed class TwoFlowTests
{
    private const string StreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    private static readonly Principal Guarded = new() { Key = new KeyIdentity(Bench.KeyHash), Models = new ModelAllowList(["claude-sonnet-5"]) };

    [Fact]
    public async Task A_response_that_began_before_its_upload_broke_off_is_watched_for_silence()
    {
        await using Bench bench = new();
        ScriptedUpstream upstream = await BeginAsync(bench, Bench.Post("{\"model\":\"claude-sonnet-5\"}" + new string(' ', 100))[..^50]);
        await upstream.RespondAsync(StreamHead + "5\r\n: hi\n\r\n");
        _ = await bench.Client.ReadUntilAsync(": hi");
        upstream.FailNextSend = true;
        await bench.Client.SendAsync(new string(' ', 10));
        bench.Pass(TimeSpan.FromSeconds(330));
        Assert.True(upstream.WasAborted);
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal((200, EndReason.UpstreamCut), (record.Status, record.EndReason));
    }

    [Fact]
    public async Task An_interim_response_to_a_slow_reader_does_not_start_the_wait_for_an_answer_before_the_request_is_sent()
    {
        await using Bench bench = new(limits => limits with { ResponseHeadTimeout = TimeSpan.FromSeconds(5) }, outputPause: 1);
        ScriptedUpstream upstream = await BeginAsync(bench, Bench.Post("{\"model\":\"claude-sonnet-5\"}" + new string(' ', 100))[..^50]);
        await upstream.RespondAsync("HTTP/1.1 103 Early Hints\r\n\r\n");
        _ = await bench.Client.ReadUntilAsync("\r\n\r\n");
        bench.Pass(TimeSpan.FromSeconds(20));
        Assert.False(upstream.WasAborted);
        await bench.Client.SendAsync(new string(' ', 50));
        await upstream.RespondAsync(Bench.Ok("{}"));
        _ = await bench.Client.ReadUntilAsync("{}");
    }

    [Fact]
    public async Task The_record_keeps_one_writer_while_a_body_goes_up_beside_its_answer()
    {
        await using Bench bench = new();
        string request = Bench.Post("{\"messages\":[],\"model\":\"claude-sonnet-5\"}" + new string(' ', 100));
        int model = request.IndexOf("\"model\"", StringComparison.Ordinal);
        ScriptedUpstream upstream = await BeginAsync(bench, request[..model]);
        await upstream.RespondAsync(StreamHead + "5\r\n: hi\n\r\n");
        _ = await bench.Client.ReadUntilAsync(": hi");
        await bench.Client.SendAsync(request[model..^50]);
        _ = await upstream.ReceiveUntilAsync("claude-sonnet-5");
        SpendRecord record = bench.Sink.Claimed[0];
        Assert.Equal("", record.ModelAsked.ToString());
        await bench.Client.SendAsync(request[^50..]);
        await upstream.RespondAsync("0\r\n\r\n");
        _ = await bench.Client.ReadUntilAsync("0\r\n\r\n");
        Assert.Equal("claude-sonnet-5", (await bench.Sink.NextAsync(0)).ModelAsked.ToString());
    }

    [Fact]
    public async Task A_complete_answer_whose_body_is_refused_at_its_last_piece_is_booked_as_what_the_client_got()
    {
        await using Bench bench = new(principal: Guarded, outputPause: 1);
        string first = "{\"model\":\"claude-sonnet-5\",";
        ScriptedUpstream upstream = await BeginAsync(
            bench, $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nTransfer-Encoding: chunked\r\n\r\n{first.Length:x}\r\n{first}\r\n");
        await upstream.RespondAsync(Bench.Ok("{\"early\":1}"));

        // The answer waits for a client that does not read; in between its body turns out to be one that may not leave.
        await bench.Client.SendAsync("19\r\n\"model\":\"claude-opus-5\"}\r\n\r\n0\r\n\r\n");
        _ = await bench.Client.ReadUntilAsync("{\"early\":1}");
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(
            (200, EndReason.Complete, RefusalReason.None, ForwardFailure.None), (record.Status, record.EndReason, record.Refusal, record.Failure));
        Assert.DoesNotContain("opus", upstream.LastFlushed, StringComparison.Ordinal);
        Assert.Equal(0, bench.IdleUpstreams);
    }

    private static async Task<ScriptedUpstream> BeginAsync(Bench bench, string start)
    {
        await bench.Client.SendAsync(start);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        return upstream;
    }
}
