using System.Text.Json;
using Proxy.Core.Identity;
using Proxy.Host.Storage;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Clients;

/// <summary>The real Claude Code through the gateway to the simulator, in each row of the credential table.</summary>
public sealed class ClaudeCodeTests
{
    [Theory]
    [MemberData(nameof(ClientRow.AllTurns), MemberType = typeof(ClientRow))]
    public async Task Claude_Code_completes_a_turn_and_is_billed_what_it_thinks_itself(string rowName, bool withTool)
    {
        ClientProcess.SkipUnlessWanted();
        ClientRow row = ClientRow.Of(rowName);
        await using GatewayFixture gateway = await row.StartGatewayAsync();
        string output = await ClientProcess.RunAsync(
            "node",
            [Path.Combine(ClientProcess.NodeModules!, "@anthropic-ai", "claude-code", "cli-wrapper.cjs"), "-p", withTool ? "Please use the tool now" : "Say hello", "--allowedTools", "Bash(echo:*)", "--output-format", "stream-json", "--verbose"],
            EnvironmentOf(row, gateway));

        string last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        JsonElement result = JsonDocument.Parse(last).RootElement;
        Assert.Equal("result", result.GetProperty("type").GetString());
        Assert.False(result.GetProperty("is_error").GetBoolean(), last);
        Assert.Contains("The simulator says", result.GetProperty("result").GetString(), StringComparison.Ordinal);
        Assert.Equal(withTool, output.Contains("sim-tool-ok", StringComparison.Ordinal));
        Assert.Equal(withTool, result.GetProperty("result").GetString()!.Contains("sim-tool-done", StringComparison.Ordinal));

        IReadOnlyList<SpendRow> rows = await row.AssertServedAsync(gateway, withTool ? 2 : 1);
        string session = result.GetProperty("session_id").GetString()!;
        Assert.All(rows, booked => Assert.Equal(session, booked.SessionId));

        // An independent reader of the same prices: the client's own sum, in dollars, and ours, in nano-dollars.
        Assert.Equal(result.GetProperty("total_cost_usd").GetDecimal(), rows.Sum(booked => booked.CostNanoUsd) / 1e9m, 7);
    }

    private static Dictionary<string, string> EnvironmentOf(ClientRow row, GatewayFixture gateway)
    {
        Dictionary<string, string> environment = new(StringComparer.Ordinal)
        {
            ["ANTHROPIC_BASE_URL"] = gateway.BaseUrl,
            ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1",
            ["DISABLE_AUTOUPDATER"] = "1",
        };
        if (row.HasOwnCredential)
        {
            environment["ANTHROPIC_CUSTOM_HEADERS"] = $"x-litellm-api-key: {gateway.Key}";
        }

        (string name, string value) = row.Credential switch
        {
            CredentialKind.OAuth => ("CLAUDE_CODE_OAUTH_TOKEN", ClientRow.Oauth),
            CredentialKind.Byok => ("ANTHROPIC_API_KEY", ClientRow.Byok),
            CredentialKind.Server => ("ANTHROPIC_AUTH_TOKEN", gateway.Key),
            _ => ("ANTHROPIC_API_KEY", gateway.Key),
        };
        environment[name] = value;
        return environment;
    }
}
