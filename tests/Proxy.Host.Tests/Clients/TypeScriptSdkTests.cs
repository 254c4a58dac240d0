using System.Text.Json;
using Proxy.Core.Identity;

namespace Proxy.Host.Tests.Clients;

/// <summary>The official TypeScript SDK through the gateway. Opt-in: TOLLWAY_TEST_CLIENTS=1.</summary>
public sealed class TypeScriptSdkTests
{
    public static TheoryData<CredentialKind, ClientTurn> Turns => ClientRow.Turns;

    [Theory]
    [MemberData(nameof(Turns))]
    public async Task The_TypeScript_SDK_completes_a_turn(CredentialKind payer, ClientTurn turn)
    {
        string node = NpmClients.RequireNode();
        await using ClientBench bench = await ClientBench.StartAsync(payer);
        Dictionary<string, string> environment = new()
        {
            ["ANTHROPIC_BASE_URL"] = bench.Gateway.BaseUrl,
            ["ANTHROPIC_CUSTOM_HEADERS"] = bench.CustomHeaders,
        };
        if (bench.Row.Token(bench.Gateway) is { } token)
        {
            environment["ANTHROPIC_AUTH_TOKEN"] = token;
        }

        if (bench.Row.ApiKey(bench.Gateway) is { } key)
        {
            environment["ANTHROPIC_API_KEY"] = key;
        }

        ProcessResult result = await ClientProcess.RunAsync(node, [NpmClients.SdkTurn, turn == ClientTurn.Tool ? "tool" : "stream"], bench.Home, environment);
        Assert.True(result.ExitCode == 0, result.ToString());

        using JsonDocument said = JsonDocument.Parse(result.Output);
        ClientAnswer[] answers = [.. said.RootElement.GetProperty("answers").EnumerateArray().Select(answer => ClientAnswer.Of(answer.GetProperty("requestId").GetString()!, answer.GetProperty("usage")))];
        Assert.Equal(turn == ClientTurn.Tool ? ["lookup"] : [], said.RootElement.GetProperty("tools").EnumerateArray().Select(tool => tool.GetString()!));
        await bench.SettleAsync(turn, answers, said.RootElement.GetProperty("text").GetString()!);
    }
}
