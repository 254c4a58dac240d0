using System.Text;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>No secret used in a run is in anything the run wrote: logs at the most talkative level, error bodies, the ledger's files.</summary>
public sealed class SecretsEndToEndTests
{
    private const string Oauth = "sk-ant-oat01-secret-of-the-client";
    private const string Byok = "sk-ant-api03-secret-of-the-client";
    private const string Wrong = "sk-wrong-but-still-somebodys-secret";

    [Fact]
    public async Task Nothing_that_is_written_contains_a_secret()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options =>
        {
            options.ResponseHeadTimeout = TimeSpan.FromMilliseconds(500);
            options.MostTalkativeLogs = true;
        });
        StringBuilder answers = new();
        string vk = $"x-litellm-api-key: {gateway.Key}";
        (string Target, string[] Fields)[] runs =
        [
            ("/anthropic/v1/messages", [vk]),
            ("/anthropic/v1/messages", [vk, $"Authorization: Bearer {Oauth}"]),
            ("/anthropic/v1/messages", [vk, $"x-api-key: {Byok}"]),
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {Wrong}"]),
            ("/anthropic/v1/messages", [$"Authorization: Bearer {Oauth}"]),
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.AdminKey}"]),
            ("/anthropic/v1/messages", [vk, $"x-api-key: {Byok}, {Byok}"]),
            ("/anthropic/v1/messages", [vk, "bad field: x"]),
            ("/anthropic/v1/messages", [vk, "x-sim-status: 500"]),
            ("/anthropic/v1/messages", [vk, $"x-api-key: {Byok}", "x-sim-first-byte-delay-ms: 600000"]),
            ("/anthropic/v1/messages", [vk, "x-sim-cut-after: 0", "x-sim-cut: reset"]),
            ($"/anthropic/v1/models?key={gateway.Key}", [vk]),
            ($"/nowhere?key={gateway.Key}", [vk]),
        ];
        foreach ((string target, string[] fields) in runs)
        {
            await using RawClient client = await gateway.ConnectAsync();
            await client.SendAsync("POST", target, [.. fields, "Connection: close"], "{\"model\":\"m\"}"u8.ToArray());
            answers.Append(Encoding.Latin1.GetString(await client.ReceiveAllAsync()));
        }

        _ = await gateway.SpendAsync(runs.Length - 3);
        string logs = gateway.Logs;
        string ledger = gateway.ReadLedgerFiles();
        Assert.NotEmpty(logs);
        Assert.NotEmpty(ledger);
        foreach (string secret in new[] { gateway.Key, gateway.SecondKey, gateway.AdminKey, gateway.ServerKey!, Oauth, Byok, Wrong })
        {
            Assert.False(answers.ToString().Contains(secret, StringComparison.Ordinal), "an answer has a secret");
            Assert.False(logs.Contains(secret, StringComparison.Ordinal), "the log has a secret");
            Assert.False(ledger.Contains(secret, StringComparison.Ordinal), "the ledger has a secret");
        }
    }
}
