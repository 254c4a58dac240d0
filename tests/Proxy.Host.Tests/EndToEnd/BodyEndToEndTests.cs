using System.Security.Cryptography;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>Bodies arrive byte-identical both ways, in every framing and from nothing to 32 MB.</summary>
public sealed class BodyEndToEndTests
{
    public static TheoryData<int, bool, string> Bodies
    {
        get
        {
            TheoryData<int, bool, string> data = [];
            foreach (int size in new[] { 0, 1, 2047, 16_384, 65_537, 1_000_003, 32 * 1024 * 1024 })
            {
                foreach (bool chunked in new[] { false, true })
                {
                    foreach (string framing in new[] { "length", "chunked", "close" })
                    {
                        data.Add(size, chunked, framing);
                    }
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_body_comes_back_byte_identical(int size, bool chunkedRequest, string responseFraming)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        byte[] body = new byte[size];
        new Random(size).NextBytes(body);
        await using RawClient client = await gateway.ConnectAsync();
        Task sending = client.SendAsync(
            "POST", "/anthropic/sim/echo", [$"x-litellm-api-key: {gateway.Key}", $"x-sim-framing: {responseFraming}"], body, chunkedRequest);
        RawResponse response = await client.ReceiveAsync();
        await sending;
        Assert.Equal(200, response.Status);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(body)), response.Field("x-sim-body-sha256"));
        Assert.Equal(size, response.Body.Length);
        Assert.True(body.AsSpan().SequenceEqual(response.Body));
        Assert.Equal(responseFraming == "close", response.Field("connection") == "close");

        SpendRow row = Assert.Single(await gateway.SpendAsync(1));
        Assert.Equal(size, row.RequestBodyBytes);
        Assert.Equal(size, row.ResponseBodyBytes);
    }

    [Fact]
    public async Task An_event_reaches_the_client_before_the_upstream_sends_the_next()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync(
            "POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", "x-sim-hold: gate", "x-sim-events: 5"], "{\"model\":\"claude-sonnet-5\",\"stream\":true}"u8.ToArray());

        // The simulator waits before its first delta until it is let go, which happens only after the event before it was received here.
        _ = await client.ReadThroughAsync("content_block_start"u8.ToArray());
        gateway.Simulator.Release("gate");
        _ = await client.ReadThroughAsync("message_stop"u8.ToArray());
    }

    [Fact]
    public async Task Compressed_answers_pass_as_they_are_and_are_metered()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await using RawClient client = await gateway.ConnectAsync();
        foreach (string coding in new[] { "gzip", "br" })
        {
            foreach (string stream in new[] { "true", "false" })
            {
                await client.SendAsync(
                    "POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", $"x-sim-coding: {coding}", "Accept-Encoding: gzip, deflate, br, zstd", "x-sim-seed: 42"],
                    System.Text.Encoding.ASCII.GetBytes("{\"model\":\"claude-sonnet-5\",\"stream\":" + stream + "}"));
                RawResponse response = await client.ReceiveAsync();
                Assert.Equal(coding, response.Field("content-encoding"));
            }
        }

        IReadOnlyList<SpendRow> rows = await gateway.SpendAsync(4);
        Assert.All(rows, row => LedgerTruth.AssertEqual(gateway.Simulator, row));
        Assert.Equal(["gzip, br"], gateway.Simulator.Requests.Last!.Values("accept-encoding"));
    }
}
