using Proxy.Core.Identity;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Clients;

/// <summary>curl through the gateway.</summary>
public sealed class CurlTests
{
    [Theory]
    [MemberData(nameof(ClientRow.AllTurns), MemberType = typeof(ClientRow))]
    public async Task Curl_completes_a_turn(string rowName, bool withTool)
    {
        ClientProcess.SkipUnlessWanted();
        ClientRow row = ClientRow.Of(rowName);
        await using GatewayFixture gateway = await row.StartGatewayAsync();
        List<string> arguments =
        [
            "--silent", "--show-error", "--fail-with-body", "--no-buffer", "--compressed", $"{gateway.BaseUrl}/v1/messages",
            "--header", "content-type: application/json",
            "--header", "anthropic-version: 2023-06-01",
            "--header", $"x-litellm-api-key: {gateway.Key}",
        ];
        if (row.HasOwnCredential)
        {
            arguments.AddRange(["--header", row.Credential == CredentialKind.OAuth ? $"authorization: Bearer {ClientRow.Oauth}" : $"x-api-key: {ClientRow.Byok}"]);
        }

        const string Start = "{\"model\":\"claude-sonnet-5-5\",\"max_tokens\":64,\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"";
        const string Tools = "\"}],\"tools\":[{\"name\":\"lookup\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"word\":{\"type\":\"string\"}},\"required\":[\"word\"]}}]}";
        arguments.AddRange(["--data", withTool ? Start + "Please use the tool now" + Tools : Start + "Say hello\"}]}"]);
        string output = await ClientProcess.RunAsync("curl", arguments, new Dictionary<string, string>());
        Assert.Contains("event: message_stop", output, StringComparison.Ordinal);
        Assert.Equal(withTool, output.Contains("\"stop_reason\":\"tool_use\"", StringComparison.Ordinal));
        _ = await row.AssertServedAsync(gateway, 1);
    }
}
