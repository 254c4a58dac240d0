using System.Net;
using System.Net.Sockets;
using System.Text;
using Proxy.Host.Tests.Wire;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>No secret used in a run is in anything the run wrote: logs at the most talkative level, metrics, error bodies, the files of ledger and journal.</summary>
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
            options.Limits = limits => limits with { RequestBodyTimeout = TimeSpan.FromMilliseconds(500), HeadTimeout = TimeSpan.FromMilliseconds(500) };
        });
        string limited = await gateway.NewKeyAsync("""{"models":["claude-sonnet-5"],"rpm_limit":1,"max_budget":0.000001}""");
        StringBuilder answers = new();
        string vk = $"x-litellm-api-key: {gateway.Key}";
        (string Target, string[] Fields)[] runs =
        [
            // Every payer.
            ("/anthropic/v1/messages", [vk]),
            ("/anthropic/v1/messages", [vk, $"Authorization: Bearer {Oauth}"]),
            ("/anthropic/v1/messages", [vk, $"x-api-key: {Byok}"]),
            ("/anthropic/v1/messages", [$"Authorization: Bearer {gateway.Key}", $"x-api-key: {Byok}"]),

            // Every way to be refused.
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {Wrong}"]),
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.BlockedKey}"]),
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.ExpiredKey}"]),
            ("/anthropic/v1/messages", [$"Authorization: Bearer {Oauth}"]),
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.AdminKey}"]),
            ("/anthropic/v1/messages", [vk, $"x-api-key: {Byok}, {Byok}"]),
            ("/anthropic/v1/messages", [vk, vk]),
            ("/anthropic/v1/messages", [vk, "bad field: x"]),
            ("/anthropic/v1/messages", [vk, $"x_api_key: {Byok}"]),
            ("/anthropic/v1/messages", [vk, $"Connection: {gateway.Key}, authorization"]),
            ("/anthropic/v1/messages", [vk, $"Expect: {Wrong}"]),
            ("/anthropic/v1/messages", [vk, $"Transfer-Encoding: {Wrong}"]),
            ("/anthropic/v1/files", [vk]),
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {limited}"]),
            ("/anthropic/v1/messages", [$"x-litellm-api-key: {limited}"]),
            ($"/anthropic/v1/models?key={gateway.Key}", [vk]),
            ($"/anthropic/{Wrong}/../x", [vk]),
            ($"/nowhere?key={gateway.Key}", [vk]),
            ($"http://{gateway.Key}@a/anthropic/v1/models", [vk]),

            // Every fault of the upstream.
            ("/anthropic/v1/messages", [vk, "x-sim-status: 500"]),
            ("/anthropic/v1/messages", [vk, $"x-api-key: {Byok}", "x-sim-first-byte-delay-ms: 600000"]),
            ("/anthropic/v1/messages", [vk, "x-sim-cut-after: 0", "x-sim-cut: reset"]),
            ("/anthropic/v1/messages", [vk, $"Authorization: Bearer {Oauth}", "x-sim-cut-after: 20", "x-sim-cut: reset"]),
            ("/anthropic/v1/messages", [vk, "x-sim-surplus: 20"]),

            // Where a key does not belong.
            ("/anthropic/v1/messages", [vk, $"Cookie: a={gateway.Key}", $"User-Agent: {gateway.Key}", $"x-claude-code-session-id: {Oauth}", $"x-litellm-tags: a,{gateway.Key}", $"x-claude-code-agent-id: Bearer {Byok}"]),
        ];
        foreach ((string target, string[] fields) in runs)
        {
            await using RawClient client = await gateway.ConnectAsync();
            await client.SendAsync("POST", target, [.. fields, "Connection: close"], "{\"model\":\"m\"}"u8.ToArray());
            answers.Append(Encoding.Latin1.GetString(await ReceiveAsync(client)));
        }

        foreach (string bytes in new[]
        {
            $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\n{vk}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\n{vk}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{vk}\r\n\r\n",
            $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\n{vk}\r\nContent-Length: 100\r\n\r\n{Wrong}",
            $"GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\n{vk}\r\nX: {Wrong}",
            $"{gateway.Key} / HTTP/1.1\r\n\r\n",
            $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\n{vk}\r\nx-sim-model: m\r\nConnection: close\r\nContent-Length: {Byok.Length + 12}\r\n\r\n{{\"model\":\"{Byok}\"}}",
            $"GET / HTTP/1.1\r\n{vk}\n\r\n",
        })
        {
            await using RawClient client = await gateway.ConnectAsync();
            await client.SendAsync(bytes);
            answers.Append(Encoding.Latin1.GetString(await ReceiveAsync(client)));
        }

        _ = await gateway.SpendAsync(runs.Length - 12);
        string[] secrets = [gateway.Key, gateway.SecondKey, gateway.BlockedKey, gateway.ExpiredKey, gateway.AdminKey, gateway.ServerKey!, limited, Oauth, Byok, Wrong];
        AssertNone(secrets, ("an answer", answers.ToString()), ("the log", gateway.Logs), ("the ledger or the journal", gateway.ReadFiles()), ("a metric", gateway.Metrics));
    }

    [Fact]
    public async Task Nothing_is_told_of_a_connection_to_an_upstream_that_cannot_be_made()
    {
        int port;
        using (TcpListener listener = new(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        await using RawUpstream plain = new(peer => peer.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"));
        foreach (string url in new[] { $"https://localhost:{port}", "https://no-such-name.invalid", plain.Url.Replace("http:", "https:", StringComparison.Ordinal) })
        {
            await using GatewayFixture gateway = await GatewayFixture.StartAsync(options =>
            {
                options.UpstreamUrl = url;
                options.MostTalkativeLogs = true;
            });
            await using RawClient client = await gateway.ConnectAsync();
            await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", $"Authorization: Bearer {Oauth}", "Connection: close"], "{}"u8.ToArray());
            string answer = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
            Assert.StartsWith("HTTP/1.1 502 ", answer, StringComparison.Ordinal);
            AssertNone([gateway.Key, Oauth, gateway.ServerKey!], ("the answer", answer), ("the log", gateway.Logs));
        }
    }

    private static void AssertNone(string[] secrets, params (string Where, string Text)[] places)
    {
        foreach ((string where, string text) in places)
        {
            Assert.NotEmpty(text);
            foreach (string secret in secrets)
            {
                Assert.False(text.Contains(secret, StringComparison.Ordinal), $"{where} has the secret {secret[..8]}…");
            }
        }
    }

    private static async Task<byte[]> ReceiveAsync(RawClient client)
    {
        try
        {
            return await client.ReceiveAllAsync();
        }
        catch (IOException)
        {
            // Cut, as the fault wants it.
            return [];
        }
    }
}
