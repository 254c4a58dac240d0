using Proxy.Simulator.Records;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>The credential rule over real sockets and TLS: what the simulator says arrived. Row numbers are those of the table that CredentialPolicyTests pins.</summary>
public sealed class CredentialEndToEndTests
{
    private const string Oauth = "sk-ant-oat01-client-subscription";
    private const string Byok = "sk-ant-api03-client-own-key";
    private const string Other = "workload-identity-token";

    /// <summary>Name, fields with {VK} and {VK2} to fill in, expected authorization, expected x-api-key ("S" is the server key).</summary>
    public static TheoryData<string, string[], string?, string?> Forwarded => new()
    {
        { "1 company pays", ["x-litellm-api-key: {VK}"], null, "S" },
        { "2 bearer form", ["x-litellm-api-key: bEaReR   {VK}"], null, "S" },
        { "3 subscription", ["x-litellm-api-key: {VK}", $"Authorization: Bearer {Oauth}"], $"Bearer {Oauth}", null },
        { "4 own key", ["x-litellm-api-key: {VK}", $"x-api-key: {Byok}"], null, Byok },
        { "5 subscription before own key", ["x-litellm-api-key: {VK}", $"x-api-key: {Byok}", $"Authorization: Bearer {Oauth}"], $"Bearer {Oauth}", null },
        { "6 apiKeyHelper", ["x-litellm-api-key: {VK}", $"x-api-key: {Byok}", $"Authorization: Bearer {Byok}"], null, Byok },
        { "7 another bearer", ["x-litellm-api-key: {VK}", $"Authorization: Bearer {Other}"], $"Bearer {Other}", null },
        { "8 VK as bearer", ["Authorization: Bearer {VK}"], null, "S" },
        { "9 VK as x-api-key", ["x-api-key: {VK}"], null, "S" },
        { "10 VK in both", ["x-api-key: {VK}", "Authorization: Bearer {VK}"], null, "S" },
        { "11 subscription and VK as x-api-key", ["x-api-key: {VK}", $"Authorization: Bearer {Oauth}"], $"Bearer {Oauth}", null },
        { "12 VK twice", ["x-litellm-api-key: {VK}", "Authorization: Bearer {VK}"], null, "S" },
        { "13 decoy", ["x-litellm-api-key: {VK}", "Authorization: Bearer {VK2}"], null, "S" },
        { "14 VK as bearer, own key", ["Authorization: Bearer {VK}", $"x-api-key: {Byok}"], null, Byok },
        { "18 empty authorization", ["x-litellm-api-key: {VK}", "Authorization: "], null, "S" },
        { "18 bearer of nothing", ["x-litellm-api-key: {VK}", "Authorization: Bearer "], null, "S" },
        { "19 empty x-api-key", ["x-litellm-api-key: {VK}", "x-api-key:"], null, "S" },
        { "20 None", ["x-litellm-api-key: {VK}", "x-api-key: None", "Authorization: Bearer null"], null, "S" },
        { "20 undefined", ["x-litellm-api-key: {VK}", "Authorization: undefined"], null, "S" },
        { "21 empty gateway key", ["x-litellm-api-key:", "Authorization: Bearer {VK}"], null, "S" },
        { "23 any case", ["X-LiteLLM-API-Key: {VK}", $"X-API-KEY: {Byok}"], null, Byok },
        { "24 basic", ["x-litellm-api-key: {VK}", "Authorization: Basic dXNlcjpwYXNz"], null, "S" },
        { "26 OAT as x-api-key", ["x-litellm-api-key: {VK}", $"x-api-key: {Oauth}"], null, Oauth },
        { "28 betas unchanged", ["x-litellm-api-key: {VK}", "anthropic-beta: a,b", "anthropic-beta: c"], null, "S" },
        { "31 pass aliases", ["x-litellm-api-key: {VK}", "x-pass-authorization: Bearer x", "x-pass-x-api-key: y"], null, "S" },
        { "32 foreign key fields", ["x-litellm-api-key: {VK}", "api-key: {VK}", "x-goog-api-key: {VK}", "ocp-apim-subscription-key: {VK}", "proxy-authorization: Bearer {VK}"], null, "S" },
        { "cookie and other litellm fields", ["x-litellm-api-key: {VK}", "cookie: session={VK}", "x-litellm-tags: a,b", "x-litellm-anything: 1"], null, "S" },
        { "VK in a field of any name", ["x-litellm-api-key: {VK}", "x-debug: key={VK};"], null, "S" },
    };

    public static TheoryData<string, string[], int> RefusedRows => new()
    {
        { "15 wrong key, valid one elsewhere", ["x-litellm-api-key: sk-wrong-key-0000", "Authorization: Bearer {VK}"], 401 },
        { "16 nothing", [], 401 },
        { "16 subscription only", [$"Authorization: Bearer {Oauth}"], 401 },
        { "16 own key only", [$"x-api-key: {Byok}"], 401 },
        { "22 None as key", ["x-litellm-api-key: None"], 401 },
        { "25 key twice", ["x-litellm-api-key: {VK}", "x-litellm-api-key: {VK}"], 400 },
        { "25 authorization twice", ["x-litellm-api-key: {VK}", $"Authorization: Bearer {Oauth}", $"Authorization: Bearer {Oauth}"], 400 },
        { "25 joined", ["x-litellm-api-key: {VK}", $"x-api-key: {Byok}, {Byok}"], 400 },
        { "32 foreign field does not authenticate", ["api-key: {VK}"], 401 },
        { "34 nominated key", ["x-litellm-api-key: {VK}", "Connection: x-litellm-api-key"], 400 },
        { "34 nominated authorization", ["x-litellm-api-key: {VK}", $"Authorization: Bearer {Oauth}", "Connection: authorization"], 400 },
        { "34 nominated x-api-key", ["x-litellm-api-key: {VK}", $"x-api-key: {Byok}", "Connection: x-api-key"], 400 },
        { "37 admin key", ["x-litellm-api-key: {ADMIN}"], 401 },
        { "38 alias", ["x-litellm-api-key: {VK}", "x_litellm_api_key: {VK}"], 400 },
        { "38 space before the colon", ["x-litellm-api-key : {VK}"], 400 },
        { "38 leading tab", ["\tx-litellm-api-key: {VK}"], 400 },
    };

    [Theory]
    [MemberData(nameof(Forwarded))]
    public async Task Exactly_one_identity_leaves(string row, string[] fields, string? authorization, string? apiKey)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages?beta=true", Fill(gateway, fields), "{\"model\":\"claude-sonnet-5\",\"messages\":[]}"u8.ToArray());
        RawResponse response = await client.ReceiveAsync();
        Assert.True(response.Status == 200, row + ": " + response.Text);

        RequestRecord arrived = Assert.Single(gateway.Simulator.Requests.All());
        Assert.Equal(authorization is null ? [] : [authorization], arrived.Values("authorization"));
        Assert.Equal(apiKey is null ? [] : [apiKey == "S" ? gateway.ServerKey! : apiKey], arrived.Values("x-api-key"));
        Assert.Equal("/v1/messages?beta=true", arrived.RawTarget);
        AssertNothingOfOurs(gateway, arrived);
        Assert.Equal(fields.Where(field => field.StartsWith("anthropic-beta", StringComparison.Ordinal)).Select(field => field["anthropic-beta: ".Length..]), arrived.Values("anthropic-beta"));
    }

    [Theory]
    [MemberData(nameof(RefusedRows))]
    public async Task A_refused_row_sends_nothing_upstream(string row, string[] fields, int status)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages", Fill(gateway, fields), "{}"u8.ToArray());
        RawResponse response = await client.ReceiveAsync();
        Assert.True(response.Status == status, row + ": " + response.Status + " " + response.Text);
        Assert.Contains("\"type\":\"error\"", response.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Key, response.Text, StringComparison.Ordinal);
        Assert.Equal(0, gateway.Simulator.Requests.Arrived);
    }

    [Fact]
    public async Task Row_17_without_a_server_key_no_credential_leaves_and_the_401_of_the_upstream_comes_back()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options => options.ServerKey = null);
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}"], "{}"u8.ToArray());
        RawResponse response = await client.ReceiveAsync();
        Assert.Equal(401, response.Status);
        Assert.StartsWith("req_sim", response.Field("request-id"), StringComparison.Ordinal);
        RequestRecord arrived = Assert.Single(gateway.Simulator.Requests.All());
        Assert.Empty(arrived.Values("authorization"));
        Assert.Empty(arrived.Values("x-api-key"));
    }

    [Theory]
    [InlineData(true, 200)]
    [InlineData(false, 403)]
    public async Task Row_29_a_client_credential_does_not_leave_for_an_upstream_that_is_not_marked_for_it(bool hasServerKey, int status)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options =>
        {
            options.AcceptClientCredentials = false;
            options.ServerKey = hasServerKey ? options.ServerKey : null;
        });
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", $"Authorization: Bearer {Oauth}"], "{}"u8.ToArray());
        Assert.Equal(status, (await client.ReceiveAsync()).Status);
        Assert.DoesNotContain(gateway.Simulator.Requests.All(), request => request.Values("authorization").Count > 0);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(307)]
    [InlineData(401)]
    [InlineData(403)]
    public async Task Rows_30_and_36_a_redirect_or_a_refused_client_credential_is_returned_and_never_tried_again(int status)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", $"x-api-key: {Byok}", $"x-sim-status: {status}"], "{}"u8.ToArray());
        Assert.Equal(status, (await client.ReceiveAsync()).Status);
        Assert.Equal(1, gateway.Simulator.Requests.Arrived);
    }

    [Fact]
    public async Task Row_33_a_key_in_the_query_is_refused_and_not_echoed()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("GET", $"/anthropic/v1/models?api_key={gateway.Key}", [], default);
        RawResponse response = await client.ReceiveAsync();
        Assert.Equal(401, response.Status);
        Assert.DoesNotContain(gateway.Key, response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_35_a_blocked_or_expired_key_is_refused_before_the_upstream()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        foreach (string key in new[] { gateway.BlockedKey, gateway.ExpiredKey })
        {
            await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {key}", $"Authorization: Bearer {Oauth}"], "{}"u8.ToArray());
            Assert.Equal(401, (await client.ReceiveAsync()).Status);
        }

        Assert.Equal(0, gateway.Simulator.Requests.Arrived);
    }

    private static IEnumerable<string> Fill(GatewayFixture gateway, string[] fields) => fields.Select(field => field
        .Replace("{VK}", gateway.Key, StringComparison.Ordinal)
        .Replace("{VK2}", gateway.SecondKey, StringComparison.Ordinal)
        .Replace("{ADMIN}", gateway.AdminKey, StringComparison.Ordinal));

    private static void AssertNothingOfOurs(GatewayFixture gateway, RequestRecord arrived)
    {
        foreach ((string name, string value) in arrived.Fields)
        {
            Assert.False(name.StartsWith("x-litellm", StringComparison.OrdinalIgnoreCase), name);
            Assert.False(name.StartsWith("x-pass", StringComparison.OrdinalIgnoreCase), name);
            Assert.NotEqual("cookie", name, StringComparer.OrdinalIgnoreCase);
            Assert.DoesNotContain(gateway.Key, value, StringComparison.Ordinal);
            Assert.DoesNotContain(gateway.SecondKey, value, StringComparison.Ordinal);
        }
    }
}
