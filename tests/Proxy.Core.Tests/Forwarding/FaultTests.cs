using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

public sealed class FaultTests
{
    [Theory]
    [InlineData(ForwardFailure.UpstreamConnect, 502)]
    [InlineData(ForwardFailure.UpstreamName, 502)]
    [InlineData(ForwardFailure.UpstreamTls, 502, false)]
    [InlineData(ForwardFailure.UpstreamHandshake, 502)]
    [InlineData(ForwardFailure.UpstreamConnectTimeout, 504)]
    [InlineData(ForwardFailure.UpstreamTlsTimeout, 504)]
    public async Task An_upstream_that_cannot_be_reached_is_answered_and_the_connection_goes_on(
        ForwardFailure failure, int status, bool shouldRetry = true)
    {
        await using Bench bench = new();
        bench.FailNextDial(failure);
        await bench.Client.SendAsync(Bench.Post("{}"));
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains($"\r\nx-should-retry: {(shouldRetry ? "true" : "false")}\r\n", answer, StringComparison.Ordinal);
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(failure, record.Failure);
        Assert.Equal(EndReason.UpstreamFailed, record.EndReason);

        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(Bench.Ok("well again"));
        _ = await bench.Client.ReadUntilAsync("well again");
    }

    [Fact]
    public async Task A_body_that_drips_is_cut_though_it_never_pauses_for_long()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Post(new string(' ', 10_000))[..^9_990]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        for (int i = 0; i < 20 && !upstream.WasAborted; i++)
        {
            bench.Pass(TimeSpan.FromSeconds(2));
            await bench.Client.SendAsync(" ");
        }

        Assert.True(upstream.WasAborted);
        Assert.StartsWith("HTTP/1.1 408 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(ForwardFailure.ClientBodyTimeout, (await bench.Sink.NextAsync(0)).Failure);
    }

    [Theory]
    [InlineData(100_000, true)]
    [InlineData(100, false)]
    public async Task A_refused_body_is_read_on_for_as_long_as_it_comes_steadily(int bytesEachSecond, bool isReadToItsEnd)
    {
        const int Seconds = 40;
        const int Length = 100_000 * Seconds;
        await using Bench bench = new();
        await bench.Client.SendAsync($"POST /nowhere HTTP/1.1\r\nHost: g\r\nContent-Length: {Length}\r\n\r\n");
        _ = await bench.Client.ReadAnswerAsync();
        int sent = 0;
        while (sent < Seconds && !bench.Running.IsCompleted)
        {
            await bench.Client.SendAsync(new string('x', bytesEachSecond));
            bench.Pass(TimeSpan.FromMilliseconds(750));
            sent++;
        }

        Assert.Equal(isReadToItsEnd, sent == Seconds);
    }

    [Fact]
    public async Task A_silent_upstream_is_a_504_and_its_connection_is_cut()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Post("{}"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("{}");
        bench.Pass(TimeSpan.FromSeconds(660));
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 504 ", answer, StringComparison.Ordinal);
        Assert.Contains("timeout_error", answer, StringComparison.Ordinal);
        Assert.True(upstream.WasAborted);
        Assert.Equal(ForwardFailure.UpstreamHeadTimeout, (await bench.Sink.NextAsync(0)).Failure);
    }

    [Fact]
    public async Task A_stream_that_falls_silent_is_cut_and_booked_with_what_was_seen()
    {
        await using Bench bench = new();
        ScriptedUpstream upstream = await StreamAsync(bench);
        bench.Pass(TimeSpan.FromSeconds(330));
        string rest = await bench.Client.ReadToEndAsync();
        Assert.DoesNotContain("0\r\n\r\n", rest, StringComparison.Ordinal);
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(ForwardFailure.UpstreamSilent, record.Failure);
        Assert.Equal(EndReason.UpstreamCut, record.EndReason);
        Assert.Equal(7, record.Usage.InputTokens);
        Assert.True(record.Flags.HasFlag(SpendFlags.Incomplete));
        Assert.True(upstream.WasAborted);
    }

    [Fact]
    public async Task A_stream_with_an_event_now_and_then_is_never_cut()
    {
        await using Bench bench = new();
        ScriptedUpstream upstream = await StreamAsync(bench);
        for (int i = 0; i < 20; i++)
        {
            bench.Pass(TimeSpan.FromSeconds(290));
            await upstream.RespondAsync("1\r\n\n\r\n");
            _ = await bench.Client.ReadUntilAsync("1\r\n\n\r\n");
        }

        await upstream.RespondAsync("0\r\n\r\n");
        _ = await bench.Client.ReadUntilAsync("0\r\n\r\n");
        Assert.Equal(ForwardFailure.None, (await bench.Sink.NextAsync(0)).Failure);
    }

    [Fact]
    public async Task An_upstream_that_dies_in_its_body_cuts_the_clients_framing()
    {
        await using Bench bench = new();
        ScriptedUpstream upstream = await StreamAsync(bench);
        upstream.EndResponses();
        string rest = await bench.Client.ReadToEndAsync();
        Assert.DoesNotContain("0\r\n\r\n", rest, StringComparison.Ordinal);
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(ForwardFailure.UpstreamBody, record.Failure);
        Assert.Equal(EndReason.UpstreamCut, record.EndReason);
        Assert.Equal(0, bench.IdleUpstreams);
    }

    [Fact]
    public async Task A_broken_chunk_from_the_upstream_cuts_the_response()
    {
        await using Bench bench = new();
        ScriptedUpstream upstream = await StreamAsync(bench);
        await upstream.RespondAsync("zz\r\n");
        _ = await bench.Client.ReadToEndAsync();
        Assert.Equal(ForwardFailure.UpstreamBody, (await bench.Sink.NextAsync(0)).Failure);
    }

    [Fact]
    public async Task A_client_that_leaves_cuts_the_upstream_at_once_and_is_booked()
    {
        await using Bench bench = new();
        ScriptedUpstream upstream = await StreamAsync(bench);
        bench.Client.Leave();
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.True(upstream.WasAborted);
        Assert.Equal(EndReason.ClientGone, record.EndReason);
        Assert.Equal(7, record.Usage.InputTokens);
        await bench.Running;
    }

    [Fact]
    public async Task A_client_that_leaves_after_its_whole_response_is_booked_as_complete()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");

        // Runs inside the gateway's flush: the client is gone before the gateway looks again.
        Task leaving = LeaveAfterAsync(bench.Client, "all");
        await upstream.RespondAsync(Bench.Ok("all"));
        await leaving;
        Assert.Equal(EndReason.Complete, (await bench.Sink.NextAsync(0)).EndReason);
        await bench.Running;
    }

    [Fact]
    public async Task A_client_that_leaves_in_its_body_is_never_sent_as_complete()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nContent-Length: 10\r\n\r\n01234");
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("01234");
        bench.Client.Leave();
        await bench.Running;
        Assert.True(upstream.WasAborted);
        Assert.Equal(EndReason.ClientGone, (await bench.Sink.NextAsync(0)).EndReason);
        Assert.Equal(0, bench.IdleUpstreams);
    }

    [Fact]
    public async Task A_body_that_stops_coming_is_answered_408()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nContent-Length: 10\r\n\r\n01234");
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("01234");
        bench.Pass(TimeSpan.FromSeconds(30));
        Assert.StartsWith("HTTP/1.1 408 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.True(upstream.WasAborted);
    }

    [Theory]
    [InlineData("5;\n\r\nhello\r\n0\r\n\r\n")]
    [InlineData("+5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhelloX\r\n0\r\n\r\n")]
    public async Task A_body_that_breaks_its_framing_is_answered_400(string chunks)
    {
        await using Bench bench = new();
        await bench.Client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("connection: close\r\n", answer, StringComparison.Ordinal);
        Assert.Equal(0, bench.IdleUpstreams);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_after_its_deadline()
    {
        await using Bench bench = new(outputPause: 4096);
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + new string('x', 300_000));
        bench.Pass(TimeSpan.FromSeconds(60));
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.True(bench.Client.WasAborted);
        Assert.True(upstream.WasAborted);
        Assert.Equal(ForwardFailure.ClientNotReading, record.Failure);
    }

    [Fact]
    public async Task A_stale_connection_is_replaced_when_nothing_of_a_POST_had_left()
    {
        await using Bench bench = new();
        ScriptedUpstream stale = await ServeOneAsync(bench);
        stale.FailNextSend = true;
        await bench.Client.SendAsync(Bench.Post("{\"again\":1}"));
        ScriptedUpstream fresh = await bench.UpstreamAsync();
        Assert.EndsWith("{\"again\":1}", await fresh.ReceiveUntilAsync("{\"again\":1}"), StringComparison.Ordinal);
        await fresh.RespondAsync(Bench.Ok("once"));
        _ = await bench.Client.ReadUntilAsync("once");
        Assert.Equal(2, bench.Dials);
    }

    [Fact]
    public async Task A_POST_is_never_sent_twice_once_its_bytes_have_left()
    {
        await using Bench bench = new();
        ScriptedUpstream stale = await ServeOneAsync(bench);
        await bench.Client.SendAsync(Bench.Post("{}"));
        _ = await stale.ReceiveUntilAsync("{}");
        stale.EndResponses();
        Assert.StartsWith("HTTP/1.1 502 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(1, bench.Dials);
    }

    [Fact]
    public async Task A_GET_on_a_stale_connection_is_sent_once_more_on_a_fresh_one()
    {
        await using Bench bench = new();
        ScriptedUpstream stale = await ServeOneAsync(bench);
        await bench.Client.SendAsync(Bench.Get());
        _ = await stale.ReceiveUntilAsync("\r\n\r\n");
        stale.EndResponses();
        ScriptedUpstream fresh = await bench.UpstreamAsync();
        Assert.StartsWith("GET /v1/models HTTP/1.1\r\n", await fresh.ReceiveUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        fresh.EndResponses();
        Assert.StartsWith("HTTP/1.1 502 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(2, bench.Dials);
    }

    private static async Task LeaveAfterAsync(TestConnection client, string end)
    {
        _ = await client.ReadUntilAsync(end);
        client.Leave();
    }

    private static async Task<ScriptedUpstream> ServeOneAsync(Bench bench)
    {
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(Bench.Ok("warm"));
        _ = await bench.Client.ReadUntilAsync("warm");
        _ = await bench.Sink.NextAsync(0);
        return upstream;
    }

    private static async Task<ScriptedUpstream> StreamAsync(Bench bench)
    {
        await bench.Client.SendAsync(Bench.Post("{\"model\":\"claude-sonnet-5\",\"stream\":true}"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("true}");
        string start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-sonnet-5\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n";
        await upstream.RespondAsync($"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{start.Length:x}\r\n{start}\r\n");
        _ = await bench.Client.ReadUntilAsync(start);
        return upstream;
    }
}
