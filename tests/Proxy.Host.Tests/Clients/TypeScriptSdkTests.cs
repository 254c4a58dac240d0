using System.Text.Json;
using Proxy.Core.Identity;

namespace Proxy.Host.Tests.Clients;

/// <summary>The official TypeScript SDK through the gateway. Opt-in: TOLLWAY_TEST_CLIENTS=1.</summary>
public sealed class TypeScriptSdkTests
{
    public static TheoryData<CredentialKind, ClientTurn> Turns => ClientRow.TurnsAndKeyAsBearer;

    [Theory]
    [MemberData(nameof(Turns))]
    public async Task The_TypeScript_SDK_completes_a_turn(CredentialKind payer, ClientTurn turn)
    {
        string node = NpmClients.RequireNode();
        await using ClientBench bench = await ClientBench.StartAsync(payer);
        ProcessResult result = await ClientProcess.RunAsync(node, [NpmClients.SdkTurn, turn == ClientTurn.Tool ? "tool" : "stream"], bench.Home, Settings(bench));
        Assert.True(result.ExitCode == 0, result.ToString());

        using JsonDocument said = JsonDocument.Parse(result.Output);
        ClientAnswer[] answers = [.. said.RootElement.GetProperty("answers").EnumerateArray().Select(answer => ClientAnswer.Of(answer.GetProperty("requestId").GetString()!, answer.GetProperty("usage")))];
        Assert.Equal(turn == ClientTurn.Tool ? ["lookup"] : [], said.RootElement.GetProperty("tools").EnumerateArray().Select(tool => tool.GetString()!));
        await bench.SettleAsync(turn, answers, said.RootElement.GetProperty("text").GetString()!);
    }

    private static Dictionary<string, string> Settings(ClientBench bench)
    {
        Dictionary<string, string> settings = new() { ["ANTHROPIC_BASE_URL"] = bench.Gateway.BaseUrl };
        switch (bench.Row.Payer)
        {
            case CredentialKind.OAuth:
                settings["ANTHROPIC_CUSTOM_HEADERS"] = bench.CustomHeaders;
                settings["ANTHROPIC_AUTH_TOKEN"] = bench.Row.OwnToken!;
                break;
            case CredentialKind.Byok:
                // The SDK makes a bearer of ANTHROPIC_API_KEY: the x-api-key of this row has to be said in so many words.
                settings["ANTHROPIC_CUSTOM_HEADERS"] = $"{bench.CustomHeaders}\nx-api-key: {bench.Row.OwnKey}";
                break;
            case CredentialKind.Bearer:
                settings["ANTHROPIC_CUSTOM_HEADERS"] = bench.CustomHeaders;
                settings["ANTHROPIC_API_KEY"] = bench.Row.OwnToken!;
                break;
            case CredentialKind.Server:
                // With no credential of its own, the virtual key can stand in the place of one, with no further setting.
                settings["ANTHROPIC_AUTH_TOKEN"] = bench.Gateway.Key;
                break;
            default:
                settings["ANTHROPIC_API_KEY"] = bench.Gateway.Key;
                break;
        }

        return settings;
    }
}
