using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Pricing;
using Proxy.Core.Routing;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>One client connection, one exchange, upstream connections played by the test, and a clock that stands still unless told.</summary>
internal sealed class Bench : IAsyncDisposable
{
    public const string Key = "sk-test-1234567890abcdef";
    public const string ServerKey = "sk-ant-api-company";

    /// <summary>What <see cref="Key"/> is known by.</summary>
    public static readonly string KeyHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Key)));

    private readonly ScriptedDialer _dialer = new();
    private readonly UpstreamPool _pool;

    public Bench(Func<GatewayLimits, GatewayLimits>? limits = null, string? serverKey = ServerKey, long outputPause = 64 * 1024, MemoryPool<byte>? memory = null,
        Principal? principal = null)
    {
        UpstreamEndpoint endpoint = new("api.anthropic.com", 443, useTls: true);
        _pool = new UpstreamPool(endpoint, _dialer, new UpstreamPoolOptions(), Time);
        RouteTable routes = new([new Route("anthropic", "/anthropic", endpoint, _pool, new RouteCredentials(serverKey, acceptsClientCredentials: true))]);
        KeyTable keys = KeyTable.Create([principal ?? new Principal { Key = new KeyIdentity(KeyHash, "test") }]);
        GatewayLimits chosen = (limits ?? (l => l))(new GatewayLimits());
        Gateway = new Gateway(new GatewaySnapshot(keys, routes, PriceBook.BuiltIn, chosen), Sink, Health, Time, NullLogger<Gateway>.Instance);
        Client = new TestConnection(memory, outputPause);
        Running = RunAsync();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero));

    public TestSink Sink { get; } = new();

    public GatewayHealth Health { get; } = new() { LedgerConnected = true };

    public Gateway Gateway { get; }

    public TestConnection Client { get; }

    public Task Running { get; }

    public int Dials => _dialer.Count;

    public int IdleUpstreams => _pool.IdleCount;

    /// <summary>The next dial fails like this.</summary>
    public void FailNextDial(ForwardFailure failure) => _dialer.FailNext = failure;

    /// <summary>The next connection that the gateway dialed.</summary>
    public async Task<ScriptedUpstream> UpstreamAsync() => await _dialer.Dialed.Reader.ReadAsync();

    public static string Post(string body, string extra = "", string path = "/anthropic/v1/messages") =>
        $"POST {path} HTTP/1.1\r\nHost: gateway\r\nx-litellm-api-key: {Key}\r\nContent-Type: application/json\r\n{extra}Content-Length: {body.Length}\r\n\r\n{body}";

    public static string Get(string path = "/anthropic/v1/models", string method = "GET", string extra = "", string version = "HTTP/1.1") =>
        $"{method} {path} {version}\r\nHost: gateway\r\nx-litellm-api-key: {Key}\r\n{extra}\r\n";

    public static string Ok(string body, string extra = "") => $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{extra}Content-Length: {body.Length}\r\n\r\n{body}";

    /// <summary>Lets time pass, tick by tick.</summary>
    public void Pass(TimeSpan time)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time + CoarseClock.Period; passed += CoarseClock.Period)
        {
            Time.Advance(CoarseClock.Period);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Leave();
        await Running;
        Gateway.Dispose();
        await _pool.DisposeAsync();
    }

    private async Task RunAsync()
    {
        await new GatewayConnectionHandler(Gateway).OnConnectedAsync(Client);
        await Client.Transport.Output.CompleteAsync();
        await Client.Transport.Input.CompleteAsync();
    }

    private sealed class ScriptedDialer : UpstreamDialer
    {
        public Channel<ScriptedUpstream> Dialed { get; } = Channel.CreateUnbounded<ScriptedUpstream>();

        public ForwardFailure FailNext { get; set; }

        public int Count { get; private set; }

        public override Task<UpstreamConnection> DialAsync(UpstreamEndpoint endpoint, CancellationToken cancellationToken)
        {
            Count++;
            if (FailNext != ForwardFailure.None)
            {
                ForwardFailure failure = FailNext;
                FailNext = ForwardFailure.None;
                throw new UpstreamException(failure, "scripted");
            }

            ScriptedUpstream upstream = new(endpoint);
            Dialed.Writer.TryWrite(upstream);
            return Task.FromResult<UpstreamConnection>(upstream);
        }
    }
}
