using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Forwarding;

public sealed class KeepAliveTests
{
    [Fact]
    public async Task A_second_request_reuses_both_connections()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Post("{\"a\":1}"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        Assert.EndsWith("{\"a\":1}", await upstream.ReceiveUntilAsync("{\"a\":1}"), StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("first"));
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await bench.Client.ReadUntilAsync("first"), StringComparison.Ordinal);

        await bench.Client.SendAsync(Bench.Post("{\"b\":2}"));
        _ = await upstream.ReceiveUntilAsync("{\"b\":2}");
        await upstream.RespondAsync(Bench.Ok("second"));
        _ = await bench.Client.ReadUntilAsync("second");

        Assert.Equal(1, bench.Dials);
        Assert.Equal(2, (await bench.Sink.NextAsync(1), bench.Sink.Done.Count).Count);
        Assert.Equal(0, bench.Sink.Outstanding);
    }

    [Fact]
    public async Task Pipelined_requests_are_served_in_order_one_at_a_time()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Post("one") + Bench.Post("two") + Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        string first = await upstream.ReceiveUntilAsync("one");
        Assert.DoesNotContain("two", first, StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("answer-1"));
        _ = await bench.Client.ReadUntilAsync("answer-1");
        _ = await upstream.ReceiveUntilAsync("two");
        await upstream.RespondAsync(Bench.Ok("answer-2"));
        _ = await bench.Client.ReadUntilAsync("answer-2");
        Assert.StartsWith("GET /v1/models HTTP/1.1\r\n", await upstream.ReceiveUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("answer-3"));
        _ = await bench.Client.ReadUntilAsync("answer-3");
        Assert.Equal(1, bench.Dials);
    }

    [Theory]
    [InlineData("Connection: close\r\n", "HTTP/1.1")]
    [InlineData("Connection: keep-alive\r\n", "HTTP/1.0")]
    public async Task A_client_that_does_not_persist_is_closed_after_its_response(string field, string version)
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get(extra: field, version: version));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(Bench.Ok("bye"));
        string response = await bench.Client.ReadToEndAsync();
        Assert.Contains("connection: close\r\n", response, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("\r\n\r\nbye", response, StringComparison.Ordinal);
        await bench.Running;
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokSURPLUS")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\nunexpected")]
    public async Task An_upstream_connection_is_not_pooled_when_anything_is_in_doubt(string response)
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(response);
        string received = await bench.Client.ReadUntilAsync(response.Contains("ok", StringComparison.Ordinal) ? "ok" : "\r\n\r\n");
        Assert.DoesNotContain("SURPLUS", received, StringComparison.Ordinal);
        _ = await bench.Sink.NextAsync(0);
        Assert.True(upstream.WasAborted);
        Assert.Equal(0, bench.IdleUpstreams);
    }

    [Fact]
    public async Task A_close_delimited_response_ends_with_the_connection()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync("HTTP/1.1 200 OK\r\n\r\nsome");
        _ = await bench.Client.ReadUntilAsync("some");
        await upstream.RespondAsync(" more");
        upstream.EndResponses();
        Assert.Equal(" more", await bench.Client.ReadToEndAsync());
        Assert.Equal(EndReason.Complete, (await bench.Sink.NextAsync(0)).EndReason);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_after_the_keep_alive_deadline()
    {
        await using Bench bench = new();
        bench.Pass(TimeSpan.FromSeconds(60));
        await bench.Running;
        Assert.Equal("", await bench.Client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_draining_server_closes_idle_connections_and_finishes_live_ones()
    {
        await using Bench idle = new();
        idle.Client.RequestClose();
        await idle.Running;

        await using Bench live = new();
        await live.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await live.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        live.Client.RequestClose();
        await upstream.RespondAsync(Bench.Ok("last"));
        string response = await live.Client.ReadToEndAsync();
        Assert.Contains("connection: close\r\n", response, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("last", response, StringComparison.Ordinal);
    }
}
