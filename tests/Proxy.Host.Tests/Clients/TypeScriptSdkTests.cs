using System.Text.Json;
using Proxy.Core.Identity;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Clients;

/// <summary>The official TypeScript SDK through the gateway (tests/clients/turn.mjs).</summary>
public sealed class TypeScriptSdkTests
{
    [Theory]
    [MemberData(nameof(ClientRow.AllTurns), MemberType = typeof(ClientRow))]
    public async Task The_TypeScript_SDK_completes_a_turn(string rowName, bool withTool)
    {
        ClientProcess.SkipUnlessWanted();
        ClientRow row = ClientRow.Of(rowName);
        await using GatewayFixture gateway = await row.StartGatewayAsync();
        Dictionary<string, string> environment = new(StringComparer.Ordinal) { ["ANTHROPIC_BASE_URL"] = gateway.BaseUrl };
        if (row.HasOwnCredential)
        {
            environment["TURN_GATEWAY_KEY"] = gateway.Key;
        }

        environment[row.Credential is CredentialKind.OAuth or CredentialKind.Server ? "ANTHROPIC_AUTH_TOKEN" : "ANTHROPIC_API_KEY"] = row.Credential switch
        {
            CredentialKind.OAuth => ClientRow.Oauth,
            CredentialKind.Byok => ClientRow.Byok,
            _ => gateway.Key,
        };
        string output = await ClientProcess.RunAsync(
            "node", [Path.Combine(ClientProcess.RepositoryRoot, "tests", "clients", "turn.mjs"), withTool ? "tool" : "stream"], environment);

        JsonElement turn = JsonDocument.Parse(output).RootElement;
        Assert.Contains(withTool ? "sim-tool-done" : "The simulator says", turn.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal(withTool, turn.GetProperty("toolRan").GetBoolean());
        Assert.Equal("end_turn", turn.GetProperty("stop").GetString());
        _ = await row.AssertServedAsync(gateway, withTool ? 2 : 1, sendsKeyAsBearer: true);
    }
}
