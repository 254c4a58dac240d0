using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Proxy.Core.Forwarding;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Wire;

/// <summary>A gateway on a real socket in front of an upstream that is played byte by byte, and the questions that every rule asks.</summary>
public sealed partial class WireBench : IAsyncLifetime
{
    private const string SmuggledPath = "/anthropic/v1/smuggled";

    private GatewayFixture? _gateway;
    private RawUpstream? _upstream;

    internal GatewayFixture Gateway => _gateway!;

    internal RawUpstream Upstream => _upstream!;

    public string Key => Gateway.Key;

    public ValueTask InitializeAsync() => new(OpenAsync(tls: false, limits => limits));

    internal static async Task<WireBench> StartAsync(Func<GatewayLimits, GatewayLimits>? limits = null, bool tls = false, Func<UpstreamPeer, Task>? script = null)
    {
        WireBench bench = new();
        await bench.OpenAsync(tls, limits ?? (l => l));
        if (script is not null)
        {
            bench.Upstream.Script = script;
        }

        return bench;
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Upstream.DisposeAsync();
    }

    /// <summary>A head with the gateway's key, an empty line at its end.</summary>
    public string Request(string requestLine, params string[] fields) =>
        $"{requestLine}\r\nHost: gateway\r\nx-litellm-api-key: {Key}\r\n{string.Concat(fields.Select(field => field + "\r\n"))}\r\n";

    public string Post(params string[] fields) => Request("POST /anthropic/v1/messages HTTP/1.1", fields);

    public string Get(params string[] fields) => Request("GET /anthropic/v1/models HTTP/1.1", fields);

    /// <summary>
    /// What every refusal must be: one answer in the Anthropic error shape with one of these statuses, then the end of the connection; nothing reached the upstream, the
    /// key is not echoed, a request hidden behind is not served, and the next client is.
    /// </summary>
    internal async Task RefusedAsync(string bytes, params int[] statuses)
    {
        int before = Upstream.Received.Length;
        await using (RawClient client = await Gateway.ConnectAsync())
        {
            await client.SendAsync(bytes + Request($"GET {SmuggledPath} HTTP/1.1"));
            string answer = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
            AssertOneError(answer, statuses);
            Assert.Contains("connection: close", answer, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Key, answer, StringComparison.Ordinal);
        }

        Assert.Equal(before, Upstream.Received.Length);
        await NextIsServedAsync();
        Assert.DoesNotContain(SmuggledPath, Upstream.Received[before..], StringComparison.Ordinal);
    }

    /// <summary>A refusal after which the connection may go on: one answer, nothing upstream, and the next request on the same connection is served.</summary>
    internal async Task RefusedKeepingConnectionAsync(string bytes, int status)
    {
        int before = Upstream.Received.Length;
        await using RawClient client = await Gateway.ConnectAsync();
        await client.SendAsync(bytes);
        RawResponse response = await client.ReceiveAsync("GET");
        Assert.Equal(status, response.Status);
        Assert.DoesNotContain(Key, response.Text, StringComparison.Ordinal);
        Assert.Equal(before, Upstream.Received.Length);
        await client.SendAsync(Get("x-nonce: goes-on"));
        Assert.Contains("goes-on", (await client.ReceiveAsync("GET")).Text, StringComparison.Ordinal);
    }

    /// <summary>What leaves for the upstream, head and body, after the client was answered 200.</summary>
    internal async Task<string> ForwardedAsync(string bytes)
    {
        int before = Upstream.Received.Length;
        await using RawClient client = await Gateway.ConnectAsync();
        await client.SendAsync(bytes);
        RawResponse response = await client.ReceiveAsync(bytes.TrimStart()[..bytes.TrimStart().IndexOf(' ')]);
        Assert.True(response.Status == 200, $"{response.Status}: {response.Text}");
        return Upstream.Received[before..];
    }

    /// <summary>An answer reaches its client a moment before its upstream connection is back in the pool.</summary>
    internal Task UntilPooledAsync() => UntilAsync(() => Gateway.Gateway.Snapshot.Routes.Routes[0].Pool.IdleCount > 0);

    internal static async Task UntilAsync(Func<bool> condition)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            Assert.False(patience.IsCancellationRequested, "it did not happen");
            await Task.Yield();
        }
    }

    internal async Task NextIsServedAsync()
    {
        string nonce = Guid.NewGuid().ToString("N");
        await using RawClient client = await Gateway.ConnectAsync();
        await client.SendAsync(Get("x-nonce: " + nonce));
        RawResponse response = await client.ReceiveAsync("GET");
        Assert.Equal(200, response.Status);
        Assert.Contains(nonce, response.Text, StringComparison.Ordinal);
    }

    internal static void AssertOneError(string answer, params int[] statuses)
    {
        Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
        Assert.True(StatusLine().Count(answer) == 1, "more than one answer: " + answer);
        int status = int.Parse(answer.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(statuses.Contains(status), $"{string.Join('/', statuses)} expected: {answer}");
        string body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        if (body.Length > 0)
        {
            Assert.Equal("error", JsonDocument.Parse(body).RootElement.GetProperty("type").GetString());
        }
    }

    [GeneratedRegex(@"HTTP/1\.1 \d")]
    private static partial Regex StatusLine();

    private async Task OpenAsync(bool tls, Func<GatewayLimits, GatewayLimits> limits)
    {
        _upstream = new RawUpstream(tls: tls);
        _gateway = await GatewayFixture.StartAsync(options =>
        {
            options.UpstreamUrl = _upstream.Url;
            options.ExtraCaFile = _upstream.CaFile;
            options.TrustSimulator = false;
            options.Limits = limits;
        });
    }
}
