using System.Text.Json;
using Proxy.Simulator.Records;
using Proxy.Simulator.Usage;

namespace Proxy.Host.Tests.Simulator;

public sealed class SimulatorMessageTests
{
    private const string FullUsage = """
        {"input_tokens":11,"cache_read_input_tokens":22,"cache_creation_input_tokens":40,"cache_creation":{"ephemeral_5m_input_tokens":30,"ephemeral_1h_input_tokens":4},"output_tokens":55,"output_tokens_details":{"thinking_tokens":6},"server_tool_use":{"web_search_requests":7,"web_fetch_requests":8},"service_tier":"priority","speed":"fast","inference_geo":"us"}
        """;

    [Theory]
    [InlineData("x-sim-events: 3")]
    [InlineData("x-sim-split: byte")]
    [InlineData("x-sim-split: utf8")]
    [InlineData("x-sim-split: usage")]
    [InlineData("x-sim-trickle: 7,0")]
    [InlineData("x-sim-framing: close")]
    [InlineData("x-sim-framing: length")]
    [InlineData("x-sim-interim: 100,103")]
    [InlineData("x-sim-trailers: x-a: 1; x-b: 2")]
    [InlineData("accept: */*")]
    public async Task A_stream_has_claudes_events_in_order_however_it_is_written(string field)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        (HttpResponseMessage response, string body) = await client.AskAsync(SimulatorClient.StreamBody, field);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        List<(string Name, JsonElement Data)> events = Events(body);
        string[] names = [.. events.Select(each => each.Name).Where(name => name is not "ping")];
        Assert.Equal(["message_start", "content_block_start", "content_block_delta"], names[..3]);
        Assert.Equal(["content_block_delta", "content_block_stop", "message_delta", "message_stop"], names[^4..]);
        Assert.Contains(events, each => each.Name == "ping");
        string requestId = Assert.Single(response.Headers.GetValues("request-id"));
        Assert.True(client.Server.Truth.TryGet(requestId, out TruthRecord? truth));
        Assert.Equal(Outcome.Completed, truth.Outcome);
        Assert.Equal(truth.Final, truth.Sent);
        Assert.Equal(truth.FinalTextBytes, truth.SentTextBytes);
    }

    [Fact]
    public async Task Usage_is_where_the_api_puts_it()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        (_, string body) = await client.AskAsync(SimulatorClient.StreamBody, $"x-sim-usage: {FullUsage}", "x-sim-id: u");

        List<(string Name, JsonElement Data)> events = Events(body);
        JsonElement start = events[0].Data.GetProperty("message").GetProperty("usage");
        Assert.Equal(34, start.GetProperty("cache_creation_input_tokens").GetInt64());
        Assert.Equal(4, start.GetProperty("cache_creation").GetProperty("ephemeral_1h_input_tokens").GetInt64());
        Assert.Equal(1, start.GetProperty("output_tokens").GetInt64());
        Assert.Equal("fast", start.GetProperty("speed").GetString());
        Assert.False(start.TryGetProperty("output_tokens_details", out _));

        JsonElement delta = events.Single(each => each.Name == "message_delta").Data.GetProperty("usage");
        Assert.Equal(40, delta.GetProperty("cache_creation_input_tokens").GetInt64());
        Assert.Equal(55, delta.GetProperty("output_tokens").GetInt64());
        Assert.Equal(6, delta.GetProperty("output_tokens_details").GetProperty("thinking_tokens").GetInt64());
        Assert.Equal(7, delta.GetProperty("server_tool_use").GetProperty("web_search_requests").GetInt64());
        foreach (string absent in (string[])["cache_creation", "service_tier", "speed", "inference_geo"])
        {
            Assert.False(delta.TryGetProperty(absent, out _), absent);
        }

        Assert.True(client.Server.Truth.TryGet("u", out TruthRecord? truth));
        Assert.Equal(SimUsageReader.Parse(FullUsage), truth.Final);
    }

    [Theory]
    [InlineData("null", JsonValueKind.Null)]
    [InlineData("minimal", JsonValueKind.Undefined)]
    public async Task A_delta_can_leave_the_input_side_out(string style, JsonValueKind kind)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        (_, string body) = await client.AskAsync(SimulatorClient.StreamBody, $"x-sim-usage: {FullUsage}", $"x-sim-delta-usage: {style}");

        List<(string Name, JsonElement Data)> events = Events(body);
        JsonElement delta = events.Single(each => each.Name == "message_delta").Data.GetProperty("usage");
        Assert.Equal(kind, delta.TryGetProperty("input_tokens", out JsonElement value) ? value.ValueKind : JsonValueKind.Undefined);
        JsonElement start = events[0].Data.GetProperty("message").GetProperty("usage");
        Assert.Equal(40, start.GetProperty("cache_creation_input_tokens").GetInt64());
    }

    [Fact]
    public async Task A_document_carries_the_whole_usage_and_a_text_of_the_asked_size()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        (HttpResponseMessage response, string body) = await client.AskAsync(
            SimulatorClient.JsonBody, $"x-sim-usage: {FullUsage}", "x-sim-text-bytes: 100000", "x-sim-nonce: n-1");

        using JsonDocument document = JsonDocument.Parse(body);
        string text = document.RootElement.GetProperty("content")[0].GetProperty("text").GetString()!;
        Assert.Equal(100_000, System.Text.Encoding.UTF8.GetByteCount(text));
        Assert.Contains("nonce n-1.", text);
        Assert.Equal("n-1", Assert.Single(response.Headers.GetValues("x-sim-nonce")));
        Assert.Equal("claude-opus-5-5", document.RootElement.GetProperty("model").GetString());
        Assert.Equal(FullUsage.Trim().Length, document.RootElement.GetProperty("usage").GetRawText().Length);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_usage()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        await client.AskAsync(SimulatorClient.StreamBody, "x-sim-seed: 5", "x-sim-id: a");
        await client.AskAsync(SimulatorClient.JsonBody, "x-sim-seed: 5", "x-sim-id: b");
        await client.AskAsync(SimulatorClient.JsonBody, "x-sim-seed: 6", "x-sim-id: c");

        Assert.True(client.Server.Truth.TryGet("a", out TruthRecord? a));
        Assert.True(client.Server.Truth.TryGet("b", out TruthRecord? b));
        Assert.True(client.Server.Truth.TryGet("c", out TruthRecord? c));
        Assert.Equal(a.Final!.OutputTokens, b.Final!.OutputTokens);
        Assert.NotEqual(b.Final, c.Final);
    }

    [Fact]
    public async Task A_tool_turn_asks_for_the_tool_and_then_ends()
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        const string Tools = """
            "tools":[{"name":"look","input_schema":{"type":"object","properties":{"where":{"type":"string"},"n":{"type":"integer"}},"required":["where","n"]}}]
            """;
        const string Ask = """{"role":"user","content":"Please use the tool."}""";
        (_, string first) = await client.AskAsync($$"""{"model":"m","stream":true,{{Tools}},"messages":[{{Ask}}]}""");
        List<(string Name, JsonElement Data)> events = Events(first);
        string input = string.Concat(events.Where(each => each.Name == "content_block_delta")
            .Select(each => each.Data.GetProperty("delta"))
            .Where(delta => delta.GetProperty("type").ValueEquals("input_json_delta"))
            .Select(delta => delta.GetProperty("partial_json").GetString()));
        Assert.Equal("""{"where":"sim","n":1}""", input);
        Assert.Contains("\"stop_reason\":\"tool_use\"", first);

        const string Result = """{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}]}""";
        (_, string second) = await client.AskAsync($$"""{"model":"m","stream":true,{{Tools}},"messages":[{{Ask}},{{Result}}]}""");
        Assert.Contains("sim-tool-done", string.Concat(Events(second).Where(each => each.Name == "content_block_delta")
            .Select(each => each.Data.GetProperty("delta").GetProperty("text").GetString())));
        Assert.Contains("\"stop_reason\":\"end_turn\"", second);
    }

    internal static List<(string Name, JsonElement Data)> Events(string body)
    {
        Assert.EndsWith("\n\n", body);
        List<(string, JsonElement)> events = [];
        foreach (string record in body[..^2].Split("\n\n").Where(record => !record.StartsWith(':')))
        {
            string[] lines = record.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.StartsWith("event: ", lines[0]);
            Assert.StartsWith("data: ", lines[1]);
            using JsonDocument document = JsonDocument.Parse(lines[1][6..]);
            JsonElement data = document.RootElement.Clone();
            Assert.Equal(lines[0][7..], data.GetProperty("type").GetString());
            events.Add((lines[0][7..], data));
        }

        return events;
    }
}
