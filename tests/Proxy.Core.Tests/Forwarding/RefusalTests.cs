using System.Text.Json;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

public sealed class RefusalTests
{
    public static TheoryData<string, string, int, string> Refused => new()
    {
        { "no key", "GET /anthropic/v1/models HTTP/1.1\r\nHost: g\r\n\r\n", 401, "authentication_error" },
        { "wrong key", "GET /anthropic/v1/models HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: sk-wrong-key-000000\r\n\r\n", 401, "authentication_error" },
        { "no route", $"GET /other HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\n\r\n", 404, "not_found_error" },
        { "prefix without slash", $"GET /anthropicx/v1 HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\n\r\n", 404, "not_found_error" },
        { "double slash target", $"GET /anthropic//evil HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\n\r\n", 400, "invalid_request_error" },
        { "key in query", $"GET /anthropic/v1?k={Bench.Key} HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\n\r\n", 400, "invalid_request_error" },
        { "bare line feed", "GET /anthropic/ HTTP/1.1\nHost: g\n\n", 400, "invalid_request_error" },
        { "no host", "GET /anthropic/ HTTP/1.1\r\n\r\n", 400, "invalid_request_error" },
        { "both framings", "POST /anthropic/ HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "invalid_request_error" },
        { "too large", $"POST /anthropic/v1/files HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nContent-Length: 99999999999\r\n\r\n", 413, "request_too_large" },
        { "CONNECT", "CONNECT g:443 HTTP/1.1\r\nHost: g\r\n\r\n", 405, "invalid_request_error" },
        { "HTTP/1.2", "GET /anthropic/ HTTP/1.2\r\nHost: g\r\n\r\n", 505, "api_error" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_refusal_has_the_Anthropic_shape_and_reaches_no_upstream(string why, string request, int status, string type)
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(request);
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), why + ": " + answer);
        int end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        JsonElement body = JsonDocument.Parse(answer[(end + 4)..]).RootElement;
        Assert.Equal("error", body.GetProperty("type").GetString());
        Assert.Equal(type, body.GetProperty("error").GetProperty("type").GetString());
        Assert.NotEmpty(body.GetProperty("error").GetProperty("message").GetString()!);
        Assert.Contains($"request-id: {body.GetProperty("request_id").GetString()}\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("date: Mon, 23 Nov 2026 12:00:00 GMT\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("server:", answer, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Bench.Key, answer, StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
    }

    [Fact]
    public async Task After_a_malformed_head_nothing_more_is_served()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync("GET /anthropic/v1 HTTP/1.1\r\nHost: g\r\n bad\r\n\r\n" + Bench.Get());
        await bench.Client.SendAsync(Bench.Get());
        await bench.Client.Sending.CompleteAsync();
        string all = await bench.Client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 400 ", all, StringComparison.Ordinal);
        Assert.Contains("connection: close\r\n", all, StringComparison.Ordinal);
        Assert.Equal(1, all.Split("HTTP/1.1 ").Length - 1);
        Assert.Equal(0, bench.Dials);
    }

    [Fact]
    public async Task The_body_of_a_refused_request_is_never_the_next_request()
    {
        await using Bench bench = new();
        string smuggled = "GET /anthropic/smuggled HTTP/1.1\r\nHost: g\r\n\r\n";
        await bench.Client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nContent-Length: {smuggled.Length}\r\n\r\n{smuggled}" + Bench.Get());
        Assert.StartsWith("HTTP/1.1 401 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        Assert.StartsWith("GET /v1/models ", await upstream.ReceiveUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("fine"));
        _ = await bench.Client.ReadUntilAsync("fine");
    }

    [Fact]
    public async Task A_refused_chunked_request_closes_the_connection()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync("POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + Bench.Get());
        string all = await bench.Client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 401 ", all, StringComparison.Ordinal);
        Assert.Contains("connection: close\r\n", all, StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
    }

    [Fact]
    public async Task A_refused_request_that_asks_to_close_is_closed()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync("GET /nowhere HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n");
        Assert.Contains("connection: close\r\n", await bench.Client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_ledger_refuses_before_anything_is_sent()
    {
        await using Bench bench = new();
        bench.Sink.IsFull = true;
        await bench.Client.SendAsync(Bench.Post("{}"));
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
        Assert.Contains("x-should-retry: true\r\n", answer, StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);

        // The connection goes on: its small body was read.
        bench.Sink.IsFull = false;
        await bench.Client.SendAsync(Bench.Get());
        _ = await (await bench.UpstreamAsync()).ReceiveUntilAsync("\r\n\r\n");
    }

    [Fact]
    public async Task A_refusal_is_booked_with_its_reason()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync("GET /anthropic/v1/models HTTP/1.1\r\nHost: g\r\nx-claude-code-session-id: s1\r\n\r\n");
        _ = await bench.Client.ReadAnswerAsync();
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal(EndReason.Refused, record.EndReason);
        Assert.Equal(RefusalReason.KeyMissing, record.Refusal);
        Assert.Equal(401, record.Status);
        Assert.Equal("s1", record.SessionId.ToString());
        Assert.Null(record.Caller);
    }

    [Theory]
    [InlineData("GET /health/liveliness HTTP/1.1\r\nHost: g\r\n\r\n", "\"I'm alive!\"")]
    [InlineData("GET /health/liveness HTTP/1.1\r\nHost: g\r\n\r\n", "\"I'm alive!\"")]
    [InlineData("GET /health/readiness HTTP/1.1\r\nHost: g\r\n\r\n", "\"db\":\"connected\"")]
    [InlineData("HEAD /anthropic HTTP/1.1\r\nHost: g\r\n\r\n", "content-length: 0\r\n\r\n")]
    [InlineData("HEAD /anthropic/ HTTP/1.1\r\nHost: g\r\n\r\n", "content-length: 0\r\n\r\n")]
    [InlineData("HEAD /anthropic/api/hello HTTP/1.1\r\nHost: g\r\n\r\n", "content-length: 0\r\n\r\n")]
    public async Task Health_and_warm_up_are_answered_here_without_a_key(string request, string expected)
    {
        await using Bench bench = new();
        await bench.Client.SendAsync(request);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await bench.Client.ReadUntilAsync(expected), StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
        Assert.Empty(bench.Sink.Done);
    }

    [Fact]
    public async Task Readiness_says_when_the_ledger_cannot_be_written()
    {
        await using Bench bench = new();
        bench.Health.LedgerConnected = false;
        await bench.Client.SendAsync("GET /health/readiness HTTP/1.1\r\nHost: g\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 503 ", await bench.Client.ReadUntilAsync("\"Not connected\""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_may_leave_while_its_deadline_expires()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync("GET /anthropic/v1/models HTTP/1.1\r\n");

        // The answer to the expired head is written, and read here, on the clock's thread; the transport's reports on another.
        Task<bool> leaving = LeaveOnAnotherThreadAsync(bench.Client);
        bench.Pass(TimeSpan.FromSeconds(10));
        Assert.True(await leaving, "the transport had to wait for the clock");
        await bench.Running;
    }

    private static async Task<bool> LeaveOnAnotherThreadAsync(TestConnection client)
    {
        _ = await client.ReadUntilAsync("\r\n\r\n");
        Thread transport = new(client.Leave);
        transport.Start();
        return transport.Join(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_head_that_never_ends_is_answered_408()
    {
        await using Bench bench = new();
        await bench.Client.SendAsync("GET /anthropic/v1/models HTTP/1.1\r\n");
        bench.Pass(TimeSpan.FromSeconds(5));
        await bench.Client.SendAsync("Host: g\r\n");
        bench.Pass(TimeSpan.FromSeconds(5));
        string answer = await bench.Client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("connection: close\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_unknown_callers_only_so_many_a_minute_are_booked_and_all_are_counted()
    {
        await using Bench bench = new(limits => limits with { BookedUnauthenticatedPerMinute = 3, KeepAliveTimeout = TimeSpan.FromHours(1) });
        for (int minute = 1; minute <= 2; minute++)
        {
            for (int i = 0; i < 5; i++)
            {
                await bench.Client.SendAsync("GET /anthropic/v1/models HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: sk-wrong-key-000000\r\n\r\n");
                Assert.StartsWith("HTTP/1.1 401 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
            }

            _ = await bench.Sink.NextAsync((3 * minute) - 1);
            Assert.Equal(3 * minute, bench.Sink.Done.Count);
            Assert.Equal(5 * minute, bench.Gateway.Unauthenticated.Count);
            bench.Pass(TimeSpan.FromSeconds(30));
            bench.Time.Advance(TimeSpan.FromSeconds(30));
        }
    }
}
