using System.Text;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

public sealed class RelayTests
{
    [Fact]
    public async Task The_head_leaves_with_the_company_key_and_without_ours()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Post("{}", "anthropic-beta: a\r\nAnthropic-Version: 2023-06-01\r\n", "/anthropic/v1/messages?beta=true"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        string head = await upstream.ReceiveUntilAsync("\r\n\r\n{}");
        Assert.StartsWith("POST /v1/messages?beta=true HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nhost: api.anthropic.com\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"\r\nx-api-key: {Bench.ServerKey}\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nanthropic-beta: a\r\nAnthropic-Version: 2023-06-01\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("litellm", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Bench.Key, head, StringComparison.Ordinal);
        Assert.Equal(1, upstream.Flushes);
        await upstream.RespondAsync(Bench.Ok("{}"));
        _ = await bench.Client.ReadUntilAsync("\r\n\r\n{}");
    }

    [Fact]
    public async Task An_event_is_delivered_without_waiting_for_the_next()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Post("{}"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("{}");
        await upstream.RespondAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        _ = await bench.Client.ReadUntilAsync("\r\n\r\n");
        for (int i = 0; i < 5; i++)
        {
            string text = $"event: ping\ndata: {{\"n\":{i}}}\n\n";
            await upstream.RespondAsync($"{text.Length:x}\r\n{text}\r\n");
            Assert.Contains(text, await bench.Client.ReadUntilAsync(text), StringComparison.Ordinal);
        }

        await upstream.RespondAsync("0\r\n\r\n");
        Assert.Equal("\r\n0\r\n\r\n", await bench.Client.ReadUntilAsync("0\r\n\r\n"));
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.True(record.Streamed);
    }

    [Fact]
    public async Task Chunk_extensions_and_trailers_are_not_relayed()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(
            $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nTransfer-Encoding: chunked\r\n\r\n3;secret=1\r\nabc\r\n0\r\nx-t: 1\r\n\r\n");
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        string request = await upstream.ReceiveUntilAsync("0\r\n\r\n");
        Assert.EndsWith("\r\n\r\n3\r\nabc\r\n0\r\n\r\n", request, StringComparison.Ordinal);
        await upstream.RespondAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0;z\r\nx-trailer: 1\r\n\r\n");
        string response = await bench.Client.ReadUntilAsync("0\r\n\r\n");
        Assert.EndsWith("\r\n\r\n2\r\nhi\r\n0\r\n\r\n", response, StringComparison.Ordinal);
        Assert.Equal(1, bench.IdleUpstreams);
    }

    [Fact]
    public async Task A_chunked_response_reaches_an_old_client_without_chunks_and_ends_with_the_connection()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get(version: "HTTP/1.0"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n7\r\n there!\r\n0\r\n\r\n");
        string response = await bench.Client.ReadToEndAsync();
        Assert.EndsWith("\r\n\r\nhi there!", response, StringComparison.Ordinal);
        Assert.DoesNotContain("chunked", response, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", "content-length: 1234")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n", "content-length: 1234")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n", "204 No Content")]
    public async Task A_response_that_has_no_body_ends_with_its_head(string method, string response, string expected)
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get(method: method));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(response);
        Assert.Contains(expected, await bench.Client.ReadUntilAsync("\r\n\r\n"), StringComparison.OrdinalIgnoreCase);
        _ = await bench.Sink.NextAsync(0);

        // The connections are in step: the next request is served on the same ones.
        await bench.Client.SendAsync(Bench.Get());
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(Bench.Ok("next"));
        _ = await bench.Client.ReadUntilAsync("next");
        Assert.Equal(1, bench.Dials);
    }

    [Fact]
    public async Task Expect_100_continue_is_answered_by_the_upstream_and_relayed()
    {
        await using Bench bench = new();
        string head = Bench.Post("12345", "Expect: 100-continue\r\n");
        await bench.Client.SendAsync(head[..^5]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        Assert.Contains("100-continue", await upstream.ReceiveUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        await upstream.RespondAsync("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", await bench.Client.ReadUntilAsync("\r\n\r\n"));
        await bench.Client.SendAsync("12345");
        Assert.Equal("12345", await upstream.ReceiveUntilAsync("12345"));
        await upstream.RespondAsync(Bench.Ok("done"));
        _ = await bench.Client.ReadUntilAsync("done");
        Assert.Equal(1, bench.IdleUpstreams);
    }

    [Fact]
    public async Task Early_hints_pass_and_processing_does_not()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + Bench.Ok("end"));
        string all = await bench.Client.ReadUntilAsync("end");
        Assert.StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n", all, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na")]
    [InlineData("HTTP/2 200\r\n\r\n")]
    [InlineData("garbage\r\n\r\n")]
    public async Task An_answer_that_is_not_valid_is_a_502(string response)
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(response);
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 502 Bad Gateway\r\n", answer, StringComparison.Ordinal);
        Assert.True(upstream.WasAborted);
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(ForwardFailure.UpstreamHead, record.Failure);
        Assert.Equal(502, record.Status);
    }

    [Fact]
    public async Task A_large_body_goes_up_in_pieces_while_it_comes()
    {
        await using Bench bench = new();
        byte[] body = new byte[300_000];
        new Random(7).NextBytes(body);
        await bench.Client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nContent-Length: {body.Length}\r\n\r\n");
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        Task sending = SendInPiecesAsync(bench.Client, body);
        byte[] received = await ReceiveAllAsync(upstream, body.Length);
        await sending;
        Assert.True(body.AsSpan().SequenceEqual(received));
        await upstream.RespondAsync(Bench.Ok("thanks"));
        _ = await bench.Client.ReadUntilAsync("thanks");
        Assert.Equal(body.Length, (await bench.Sink.NextAsync(0)).RequestBodyBytes);
        Assert.Equal(1, bench.IdleUpstreams);
    }

    [Fact]
    public async Task An_upstream_may_answer_while_the_body_still_comes()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nContent-Length: 10\r\n\r\n01234");
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("01234");
        await upstream.RespondAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n");
        _ = await bench.Client.ReadUntilAsync("01234\r\n");
        await bench.Client.SendAsync("56789");
        _ = await upstream.ReceiveUntilAsync("56789");
        await upstream.RespondAsync("5\r\n56789\r\n0\r\n\r\n");
        _ = await bench.Client.ReadUntilAsync("0\r\n\r\n");
        _ = await bench.Sink.NextAsync(0);
        Assert.Equal(1, bench.IdleUpstreams);
    }

    [Fact]
    public async Task An_answer_that_ends_before_the_body_ends_the_upstream_connection_but_not_a_small_request()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nContent-Length: 10\r\n\r\n01234");
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("01234");
        await upstream.RespondAsync("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
        _ = await bench.Client.ReadUntilAsync("big");
        await bench.Client.SendAsync("56789" + Bench.Get());
        ScriptedUpstream fresh = await bench.UpstreamAsync();
        _ = await fresh.ReceiveUntilAsync("\r\n\r\n");
        await fresh.RespondAsync(Bench.Ok("served"));
        _ = await bench.Client.ReadUntilAsync("served");
        Assert.True(upstream.WasAborted);
    }

    [Fact]
    public async Task A_client_that_reads_slowly_holds_the_upstream_back()
    {
        await using Bench bench = new(outputPause: 16 * 1024);
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        byte[] body = new byte[1_000_000];
        new Random(3).NextBytes(body);
        await upstream.RespondAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n"));
        await upstream.RespondAsync(body);

        // All of it is at hand, and yet only so much is buffered for a client that has read nothing.
        Assert.False(bench.Client.Received.TryRead(out System.IO.Pipelines.ReadResult nothing) && nothing.Buffer.Length > 512 * 1024);
        bench.Client.Received.AdvanceTo(nothing.Buffer.Start);
        _ = await bench.Client.ReadUntilAsync("\r\n\r\n");
        System.IO.Pipelines.ReadResult read;
        int offset = 0;
        while (offset < body.Length)
        {
            read = await bench.Client.Received.ReadAsync();
            foreach (ReadOnlyMemory<byte> piece in read.Buffer)
            {
                Assert.True(piece.Span.SequenceEqual(body.AsSpan(offset, piece.Length)));
                offset += piece.Length;
            }

            bench.Client.Received.AdvanceTo(read.Buffer.End);
        }
    }

    private static async Task SendInPiecesAsync(TestConnection client, byte[] body)
    {
        for (int offset = 0; offset < body.Length; offset += 7001)
        {
            await client.SendAsync(body.AsMemory(offset, Math.Min(7001, body.Length - offset)));
        }
    }

    private static async Task<byte[]> ReceiveAllAsync(ScriptedUpstream upstream, int length)
    {
        byte[] all = new byte[length];
        for (int offset = 0; offset < length;)
        {
            int count = Math.Min(10_000, length - offset);
            (await upstream.ReceiveAsync(count)).CopyTo(all, offset);
            offset += count;
        }

        return all;
    }
}
