using System.Text.Json;
using Proxy.Host.Tests.Storage;
using Proxy.Core.Identity;

namespace Proxy.Host.Tests.Clients;

/// <summary>The real Claude Code through the gateway, on loopback with fake credentials. Opt-in: TOLLWAY_TEST_CLIENTS=1.</summary>
public sealed class ClaudeCodeTests
{
    public static TheoryData<CredentialKind, ClientTurn> Turns => ClientRow.Turns;

    [Theory]
    [MemberData(nameof(Turns))]
    public async Task Claude_Code_completes_a_turn_and_is_billed_what_it_thinks_itself(CredentialKind payer, ClientTurn turn)
    {
        string node = NpmClients.RequireNode();
        await using ClientBench bench = await ClientBench.StartAsync(payer);
        await CompleteAsync(bench, node, turn, bench.CustomHeaders);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task Claude_Code_completes_a_turn_over_compressed_streams(string coding)
    {
        string node = NpmClients.RequireNode();
        await using ClientBench bench = await ClientBench.StartAsync(CredentialKind.OAuth);
        await CompleteAsync(bench, node, ClientTurn.Tool, $"{bench.CustomHeaders}\nx-sim-coding: {coding}");
    }

    private static async Task CompleteAsync(ClientBench bench, string node, ClientTurn turn, string customHeaders)
    {
        await using OutsideTrap outside = OutsideTrap.Start();
        string[] question = turn == ClientTurn.Tool ? ["Please use the tool now", "--allowedTools", "Bash(echo:*)"] : ["Say hello"];
        ProcessResult result = await ClientProcess.RunAsync(
            node, [NpmClients.ClaudeCode, "--output-format", "stream-json", "--verbose", "-p", .. question], bench.Home, Settings(bench, outside, customHeaders));
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.True(outside.Attempts.IsEmpty, string.Join(", ", outside.Attempts));

        List<JsonElement> events = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        JsonElement summary = events.Single(each => each.GetProperty("type").ValueEquals("result"));
        Assert.False(summary.GetProperty("is_error").GetBoolean(), result.ToString());
        string text = summary.GetProperty("result").GetString()!;
        Assert.Contains("The simulator says", text, StringComparison.Ordinal);
        Assert.Equal(turn == ClientTurn.Tool, text.Contains("sim-tool-done", StringComparison.Ordinal));
        Assert.Equal(turn == ClientTurn.Tool ? ["sim-tool-ok"] : [], ToolOutputs(events));

        IReadOnlyList<SpendRow> rows = await bench.SettleAsync();
        string session = summary.GetProperty("session_id").GetString()!;
        Assert.All(rows, row => Assert.Equal(session, row.SessionId));
        Assert.All(rows, row => Assert.True(row.Streamed));
        AssertSameBill(summary, rows);
    }

    private static Dictionary<string, string> Settings(ClientBench bench, OutsideTrap outside, string customHeaders)
    {
        Dictionary<string, string> settings = new()
        {
            ["ANTHROPIC_BASE_URL"] = bench.Gateway.BaseUrl,
            ["ANTHROPIC_CUSTOM_HEADERS"] = customHeaders,
            ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1",
            ["HTTPS_PROXY"] = outside.Url,
            ["HTTP_PROXY"] = outside.Url,
            ["NO_PROXY"] = "127.0.0.1",
        };
        if (bench.Row.Token(bench.Gateway) is { } token)
        {
            settings[bench.Row.Payer == CredentialKind.OAuth ? "CLAUDE_CODE_OAUTH_TOKEN" : "ANTHROPIC_AUTH_TOKEN"] = token;
        }

        if (bench.Row.ApiKey(bench.Gateway) is { } key)
        {
            settings["ANTHROPIC_API_KEY"] = key;
        }

        return settings;
    }

    /// <summary>What the tools printed, as the client reports it.</summary>
    private static IEnumerable<string> ToolOutputs(IEnumerable<JsonElement> events) =>
        from each in events
        where each.GetProperty("type").ValueEquals("user")
        from block in each.GetProperty("message").GetProperty("content").EnumerateArray()
        where block.GetProperty("type").ValueEquals("tool_result")
        select block.GetProperty("content").ToString();

    /// <summary>Claude Code keeps accounts of its own, with its own price table: both bills are the same.</summary>
    private static void AssertSameBill(JsonElement summary, IReadOnlyList<SpendRow> rows)
    {
        Assert.Equal(decimal.Round(summary.GetProperty("total_cost_usd").GetDecimal() * 1_000_000_000m), rows.Sum(row => row.CostNanoUsd));
        foreach (JsonProperty model in summary.GetProperty("modelUsage").EnumerateObject())
        {
            SpendRow[] ofModel = [.. rows.Where(row => row.ModelServed == model.Name)];
            Assert.Equal(model.Value.GetProperty("inputTokens").GetInt64(), ofModel.Sum(row => row.Usage.InputTokens));
            Assert.Equal(model.Value.GetProperty("outputTokens").GetInt64(), ofModel.Sum(row => row.Usage.OutputTokens));
            Assert.Equal(model.Value.GetProperty("cacheReadInputTokens").GetInt64(), ofModel.Sum(row => row.Usage.CacheReadInputTokens));
            Assert.Equal(model.Value.GetProperty("cacheCreationInputTokens").GetInt64(), ofModel.Sum(row => row.Usage.CacheCreationInputTokens));
        }
    }
}
