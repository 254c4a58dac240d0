using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Proxy.Simulator.Records;

namespace Proxy.Host.Tests.Simulator;

public sealed class SimulatorFaultTests
{
    [Theory]
    [InlineData("x-sim-cut-after-events: 3", "close")]
    [InlineData("x-sim-cut-after: 700", "close")]
    [InlineData("x-sim-cut-after: 700", "reset")]
    public async Task A_cut_stream_is_seen_as_cut_and_the_record_says_what_was_sent(string field, string how)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(
            () => client.AskAsync(SimulatorClient.StreamBody, field, $"x-sim-cut: {how}", "x-sim-id: cut"));

        Assert.True(client.Server.Truth.TryGet("cut", out TruthRecord? truth));
        Assert.Equal(Outcome.Cut, truth.Outcome);
        Assert.Equal(1, truth.Sent!.OutputTokens);
        Assert.Equal(210, truth.Final!.OutputTokens);
        Assert.InRange(truth.SentTextBytes, 0, truth.FinalTextBytes - 1);
    }

    [Theory]
    [InlineData(400, "invalid_request_error")]
    [InlineData(401, "authentication_error")]
    [InlineData(429, "rate_limit_error")]
    [InlineData(500, "api_error")]
    [InlineData(529, "overloaded_error")]
    public async Task An_error_status_has_the_apis_shape(int status, string type)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        (HttpResponseMessage response, string body) = await client.AskAsync(SimulatorClient.StreamBody, $"x-sim-status: {status}");

        Assert.Equal(status, (int)response.StatusCode);
        using JsonDocument document = JsonDocument.Parse(body);
        Assert.Equal(type, document.RootElement.GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(response.Headers.GetValues("request-id").Single(), document.RootElement.GetProperty("request_id").GetString());
        Assert.Equal(status == 429, response.Headers.Contains("retry-after"));
        string expected = status == 429 ? "rejected" : "allowed";
        Assert.Equal(expected, response.Headers.GetValues("anthropic-ratelimit-unified-status").Single());
    }

    [Fact]
    public async Task An_error_event_ends_a_stream_that_began_well()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        (_, string body) = await client.AskAsync(SimulatorClient.StreamBody, "x-sim-error-event-after: 4", "x-sim-id: e");

        List<(string Name, JsonElement Data)> events = SimulatorMessageTests.Events(body);
        Assert.Equal(5, events.Count);
        Assert.Equal("error", events[^1].Name);
        Assert.True(client.Server.Truth.TryGet("e", out TruthRecord? truth));
        Assert.Equal("overloaded_error", truth.ErrorType);
        Assert.Equal(1, truth.Final!.OutputTokens);
    }

    [Fact]
    public async Task A_held_event_comes_only_after_its_release()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using HttpResponseMessage response = await client.Http.SendAsync(
            SimulatorClient.Message(SimulatorClient.StreamBody, "x-sim-hold: gate", "x-sim-id: h", "x-sim-events: 2"),
            HttpCompletionOption.ResponseHeadersRead,
            cancellation);
        await client.Server.WhenHeldAsync("gate", cancellation);
        Assert.True(client.Server.Truth.TryGet("h", out TruthRecord? truth));
        Assert.Equal((Outcome.Pending, 0L), (truth.Outcome, truth.SentTextBytes));

        client.Server.Release("gate");
        await response.Content.ReadAsStringAsync(cancellation);
        Assert.Equal(Outcome.Completed, (await client.Server.Truth.WhenEndedAsync("h", cancellation)).Outcome);
    }

    [Fact]
    public async Task A_client_that_leaves_is_recorded()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        HttpResponseMessage response = await client.Http.SendAsync(
            SimulatorClient.Message(SimulatorClient.StreamBody, "x-sim-hold: never", "x-sim-id: g"),
            HttpCompletionOption.ResponseHeadersRead,
            cancellation);
        await client.Server.WhenHeldAsync("never", cancellation);
        response.Dispose();

        Assert.Equal(Outcome.ClientGone, (await client.Server.Truth.WhenEndedAsync("g", cancellation)).Outcome);
    }

    [Fact]
    public async Task A_close_delimited_answer_has_no_other_framing()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        string answer = (await client.RawAsync(SimulatorClient.JsonBody, "x-sim-framing: close")).ToUpperInvariant();
        Assert.Contains("\r\nCONNECTION: CLOSE\r\n", answer);
        Assert.DoesNotContain("CONTENT-LENGTH", answer);
        Assert.DoesNotContain("TRANSFER-ENCODING", answer);
        Assert.EndsWith("}}", answer);
    }

    [Fact]
    public async Task Interim_answers_trailers_and_surplus_are_on_the_wire()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        string answer = await client.RawAsync(
            SimulatorClient.StreamBody, "x-sim-interim: 100,103", "x-sim-trailers: x-end: yes", "x-sim-surplus: 4", "x-sim-field: x-extra: yes");
        Assert.StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n", answer);
        Assert.Contains("\r\nx-extra: yes\r\n", answer);
        Assert.EndsWith("0\r\nx-end: yes\r\n\r\nSSSS", answer);
    }

    [Fact]
    public async Task An_early_answer_does_not_wait_for_the_body()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        using System.Net.Sockets.TcpClient tcp = new("127.0.0.1", client.Server.HttpPort);
        Stream stream = tcp.GetStream();
        await stream.WriteAsync(
            "POST /v1/messages HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\nx-sim-early: json\r\nContent-Length: 100000\r\n\r\n{"u8.ToArray(),
            TestContext.Current.CancellationToken);
        byte[] buffer = new byte[15];
        await stream.ReadExactlyAsync(buffer, TestContext.Current.CancellationToken);
        Assert.Equal("HTTP/1.1 200 OK", Encoding.ASCII.GetString(buffer));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_coded_stream_decodes(string coding)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        using HttpResponseMessage response = await client.Http.SendAsync(
            SimulatorClient.Message(SimulatorClient.StreamBody, $"x-sim-coding: {coding}"), TestContext.Current.CancellationToken);
        Assert.Equal(coding, response.Content.Headers.ContentEncoding.Single());
        Stream raw = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        using Stream plain = coding == "gzip" ? new GZipStream(raw, CompressionMode.Decompress) : new BrotliStream(raw, CompressionMode.Decompress);
        using StreamReader reader = new(plain);
        string body = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal("message_stop", SimulatorMessageTests.Events(body)[^1].Name);
    }

    [Theory]
    [InlineData("x-sim-nonsense: 1")]
    [InlineData("x-sim-events: many")]
    [InlineData("x-sim-usage: {\"input_token\":1}")]
    public async Task What_is_not_understood_is_refused_by_name(string field)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        (HttpResponseMessage response, string body) = await client.AskAsync(SimulatorClient.StreamBody, field);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(field[..field.IndexOf(':')], body);
    }

    [Theory]
    [InlineData("length")]
    [InlineData("chunked")]
    [InlineData("close")]
    public async Task Bytes_and_their_hash_agree_and_echo_gives_them_back(string framing)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using HttpResponseMessage response = await client.Http.GetAsync($"/sim/bytes?n=300001&seed=3&framing={framing}", cancellation);
        byte[] bytes = await response.Content.ReadAsByteArrayAsync(cancellation);
        Assert.Equal(300_001, bytes.Length);
        Assert.Equal(response.Headers.GetValues("x-sim-sha256").Single(), Convert.ToHexStringLower(SHA256.HashData(bytes)));

        using HttpResponseMessage echo = await client.Http.PostAsync($"/sim/echo?framing={framing}", new ByteArrayContent(bytes), cancellation);
        Assert.Equal(bytes, await echo.Content.ReadAsByteArrayAsync(cancellation));
    }

    [Fact]
    public async Task Requests_are_recorded_and_missing_credentials_refused()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        await client.AskAsync(SimulatorClient.JsonBody, "x-custom: a", "x-custom: b");
        RequestRecord request = client.Server.Requests.Last!;
        Assert.Equal("/v1/messages?beta=true", request.RawTarget);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(SimulatorClient.JsonBody))), request.BodySha256);
        Assert.Equal("a, b", string.Join(", ", request.Values("X-Custom")));

        client.Http.DefaultRequestHeaders.Remove("x-api-key");
        (HttpResponseMessage response, string body) = await client.AskAsync(SimulatorClient.JsonBody);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("authentication_error", body);
    }

    [Fact]
    public async Task Scripted_and_plain_answers_share_a_connection()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        await client.AskAsync(SimulatorClient.StreamBody, "x-sim-events: 2");
        await client.AskAsync(SimulatorClient.StreamBody);
        await client.AskAsync(SimulatorClient.JsonBody, "x-sim-status: 529");
        await client.AskAsync(SimulatorClient.JsonBody);

        Assert.Equal(4, client.Server.Requests.Arrived);
        Assert.Single(client.Server.Requests.All().Select(request => request.ConnectionId).Distinct());
        Assert.Equal(4, client.Server.Truth.All().Count(record => record.Outcome == Outcome.Completed));
    }

    [Fact]
    public async Task A_batch_has_results_with_usage_of_the_batch_tier()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using HttpResponseMessage created = await client.Http.PostAsync(
            "/v1/messages/batches", new StringContent("""{"requests":[{"custom_id":"a"},{"custom_id":"b"}]}"""), cancellation);
        using JsonDocument batch = JsonDocument.Parse(await created.Content.ReadAsStringAsync(cancellation));
        string id = batch.RootElement.GetProperty("id").GetString()!;
        string[] lines = (await client.Http.GetStringAsync($"/v1/messages/batches/{id}/results", cancellation)).TrimEnd('\n').Split('\n');

        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.Contains("\"service_tier\":\"batch\"", line));
        Assert.True(client.Server.Truth.TryGet($"{id}/b", out TruthRecord? truth));
        Assert.Equal("batch", truth.Final!.ServiceTier);
    }
}
