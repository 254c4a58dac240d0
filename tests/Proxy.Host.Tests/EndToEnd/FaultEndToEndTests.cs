using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Proxy.Host.Tests.Storage;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>Faults with the real thing: real sockets, real TLS, a real ledger.</summary>
public sealed class FaultEndToEndTests
{
    [Fact]
    public async Task An_upstream_that_is_down_is_a_502_in_the_Anthropic_shape()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options => options.UpstreamUrl = $"http://127.0.0.1:{ClosedPort()}");
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}"], "{}"u8.ToArray());
        RawResponse response = await client.ReceiveAsync();
        AssertError(response, 502, "api_error");
        SpendRow row = Assert.Single(await gateway.SpendAsync(1));
        Assert.Equal(EndReason.UpstreamFailed, row.EndReason);
        Assert.Equal(502, row.Status);
    }

    [Fact]
    public async Task An_upstream_that_stays_silent_is_a_504()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options => options.ResponseHeadTimeout = TimeSpan.FromMilliseconds(500));
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", "x-sim-first-byte-delay-ms: 600000"], "{}"u8.ToArray());
        AssertError(await client.ReceiveAsync(), 504, "timeout_error");
    }

    [Fact]
    public async Task An_upstream_with_a_certificate_nobody_trusts_is_a_502_and_receives_nothing()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options => options.TrustSimulator = false);
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}"], "{}"u8.ToArray());
        AssertError(await client.ReceiveAsync(), 502, "api_error");
        Assert.Equal(0, gateway.Simulator.Requests.Arrived);
    }

    [Fact]
    public async Task A_client_that_leaves_in_a_stream_cuts_the_upstream_and_is_booked_with_what_was_seen()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        RawClient client = await gateway.ConnectAsync();
        await client.SendAsync(
            "POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", "x-sim-hold: never"], "{\"model\":\"claude-sonnet-5\",\"stream\":true}"u8.ToArray());
        _ = await client.ReadThroughAsync("message_start"u8.ToArray());
        await gateway.Simulator.WhenHeldAsync("never");
        client.Reset();
        SpendRow row = Assert.Single(await gateway.SpendAsync(1));
        Assert.Equal(EndReason.ClientGone, row.EndReason);
        Assert.True(row.Flags.HasFlag(SpendFlags.Incomplete));
        Assert.Equal(25, row.Usage.InputTokens);
    }

    [Theory]
    [InlineData("early: json")]
    [InlineData("surplus: 10")]
    [InlineData("interim: 100,103")]
    [InlineData("trailers: x-a: 1")]
    [InlineData("trickle: 7")]
    [InlineData("split: byte")]
    public async Task Odd_but_legal_answers_pass_and_the_next_request_is_served(string oddity)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        foreach (string field in new[] { "x-sim-" + oddity, "x-app: plain" })
        {
            await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", field], "{\"model\":\"claude-sonnet-5\",\"messages\":[]}"u8.ToArray());
            RawResponse response = await client.ReceiveAsync();
            Assert.Equal(200, response.Status);
            Assert.Equal("message", JsonDocument.Parse(response.Body).RootElement.GetProperty("type").GetString());
        }

        Assert.All(await gateway.SpendAsync(2), row => LedgerTruth.AssertEqual(gateway.Simulator, row));
    }

    private static void AssertError(RawResponse response, int status, string type)
    {
        Assert.Equal(status, response.Status);
        JsonElement body = JsonDocument.Parse(response.Body).RootElement;
        Assert.Equal(type, body.GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(response.Field("request-id"), body.GetProperty("request_id").GetString());
        Assert.DoesNotContain("   at ", response.Text, StringComparison.Ordinal);
    }

    private static int ClosedPort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
