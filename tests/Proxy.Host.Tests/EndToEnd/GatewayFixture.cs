using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Proxy.Host.Tests.Storage;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Pricing;
using Proxy.Core.Upstream;
using Proxy.Host.Admin;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;
using Proxy.Simulator;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>A whole gateway on a free loopback port, with a real SQLite ledger, in front of a simulator over real TLS.</summary>
internal sealed class GatewayFixture : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GatewayHost _host;
    private readonly DirectoryInfo _directory;
    private readonly LogCollector _logs;
    private readonly FixtureKeys _keys;

    private GatewayFixture(GatewayHost host, SimulatorServer simulator, DirectoryInfo directory, LogCollector logs, FixtureKeys keys, string? serverKey)
    {
        _host = host;
        _directory = directory;
        _logs = logs;
        _keys = keys;
        Simulator = simulator;
        ServerKey = serverKey;
    }

    public SimulatorServer Simulator { get; }

    public string? ServerKey { get; }

    /// <summary>A valid virtual key.</summary>
    public string Key => _keys.Valid;

    public string SecondKey => _keys.Second;

    public string BlockedKey => _keys.Blocked;

    public string ExpiredKey => _keys.Expired;

    public string AdminKey => _keys.Admin;

    public int Port => _host.Addresses[0].Port;

    /// <summary>What a client sets as ANTHROPIC_BASE_URL.</summary>
    public string BaseUrl => $"http://127.0.0.1:{Port}/anthropic";

    /// <summary>The data path, for what it tells of itself.</summary>
    public Gateway Gateway => _host.Gateway;

    /// <summary>Everything that was logged so far.</summary>
    public string Logs => _logs.Text;

    public static async Task<GatewayFixture> StartAsync(Action<GatewayFixtureOptions>? configure = null)
    {
        GatewayFixtureOptions options = new();
        configure?.Invoke(options);
        FixtureKeys keys = new();
        DirectoryInfo directory = Directory.CreateTempSubdirectory("tollway-test-");
        SimulatorServer simulator = await SimulatorServer.StartAsync(new SimulatorOptions { RequireCredentials = options.RequireCredentials });
        Uri upstream = new(options.UpstreamUrl ?? (options.UpstreamTls ? $"https://localhost:{simulator.HttpsPort}" : $"http://127.0.0.1:{simulator.HttpPort}"));
        GatewayLimits limits = options.Limits(new GatewayLimits());
        GatewayConfiguration configuration = new()
        {
            Listen = [new ListenAddress(System.Net.IPAddress.Loopback, 0, options.Tls is not null)],
            LedgerPath = Path.Combine(options.LedgerDirectory ?? directory.FullName, "ledger.db"),
            Ledger = new LedgerOptions { JournalPath = Path.Combine(directory.FullName, "journal"), BusyTimeout = options.BusyTimeout ?? TimeSpan.FromSeconds(2) },
            AdminKeyHash = Hash(keys.Admin),
            Keys =
            [
                new Principal { Key = new KeyIdentity(Hash(keys.Valid), "valid", "core", "u1"), Workspace = WorkspaceAccess.Unmetered },
                new Principal { Key = new KeyIdentity(Hash(keys.Second), "second"), Workspace = WorkspaceAccess.Unmetered },
                new Principal { Key = new KeyIdentity(Hash(keys.Blocked), "blocked"), IsBlocked = true },
                new Principal { Key = new KeyIdentity(Hash(keys.Expired), "expired"), ExpiresAtUnixMs = 1 },
            ],
            Routes =
            [
                new RouteConfiguration
                {
                    Name = "anthropic",
                    Prefix = "/anthropic",
                    Upstream = new UpstreamEndpoint(upstream.Host, upstream.Port, upstream.Scheme == "https"),
                    ServerKey = options.ServerKey,
                    AcceptClientCredentials = options.AcceptClientCredentials,
                    ExtraCaFile = options.ExtraCaFile ?? (options.TrustSimulator ? simulator.CaCertificatePath : null),
                },
            ],
            Limits = options.ResponseHeadTimeout is { } timeout ? limits with { ResponseHeadTimeout = timeout } : limits,
            Drain = options.Drain ?? TimeSpan.FromSeconds(1),
            Tls = options.Tls,
            LogLevel = options.MostTalkativeLogs ? Microsoft.Extensions.Logging.LogLevel.Trace : Microsoft.Extensions.Logging.LogLevel.Information,
        };
        LogCollector logs = new();
        GatewayHost host = await GatewayHost.StartAsync(configuration, time: null, logs);
        return new GatewayFixture(host, simulator, directory, logs, keys, options.ServerKey);
    }

    /// <summary>A key made by another process, as it were: through the ledger alone, and live when this returns.</summary>
    public async Task<string> NewKeyAsync(string json = "{}")
    {
        string key = Keys.Generate(JsonNode.Parse(json)!.AsObject(), "test")["key"]!.GetValue<string>();
        await UntilAsync(keys => keys.Find(Encoding.ASCII.GetBytes(key)) is not null);
        return key;
    }

    /// <summary>Changes made through the ledger alone.</summary>
    public KeyService Keys => new(Admin);

    public TeamService Teams => new(Admin);

    public string LedgerPath => _host.LedgerPath;

    public bool LedgerConnected => _host.Health.LedgerConnected;

    /// <summary>Waits until the running gateway has taken over what the ledger says.</summary>
    public async Task UntilAsync(Func<KeyTable, bool> condition)
    {
        using CancellationTokenSource patience = new(Patience);
        while (!condition(_host.Gateway.Snapshot.Keys))
        {
            Assert.False(patience.IsCancellationRequested, "the change did not become live");
            await Task.Yield();
        }
    }

    private AdminContext Admin => new() { LedgerPath = _host.LedgerPath, BusyTimeout = TimeSpan.FromSeconds(5), Time = TimeProvider.System, Prices = () => PriceBook.BuiltIn };

    public Task<RawClient> ConnectAsync() => RawClient.ConnectAsync(Port);

    /// <summary>The ledger, once it has this many records: an exchange is booked a moment after its client has seen the end.</summary>
    public async Task<IReadOnlyList<SpendRow>> SpendAsync(int expectedCount)
    {
        using CancellationTokenSource patience = new(Patience);
        while (true)
        {
            await _host.FlushLedgerAsync();
            if (new LedgerReader(_host.LedgerPath).Count() >= expectedCount || patience.IsCancellationRequested)
            {
                return new LedgerReader(_host.LedgerPath).ReadAll();
            }

            await Task.Yield();
        }
    }

    /// <summary>What a scrape would tell.</summary>
    public string Metrics => _host.ReadMetrics();

    /// <summary>The raw bytes of the ledger's and the journal's files, for what must not be in them.</summary>
    public string ReadFiles()
    {
        StringBuilder all = new();
        foreach (FileInfo file in _directory.EnumerateFiles("*", SearchOption.AllDirectories).Where(file => file.Length > 0 && file.Name != "lock"))
        {
            using FileStream stream = new(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using StreamReader reader = new(stream, Encoding.Latin1);
            all.Append(reader.ReadToEnd());
        }

        return all.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await Simulator.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)));

    /// <summary>Fresh for each gateway, so that a search for them in what it wrote means something.</summary>
    private sealed class FixtureKeys
    {
        public string Valid { get; } = New("valid");

        public string Second { get; } = New("second");

        public string Blocked { get; } = New("blocked");

        public string Expired { get; } = New("expired");

        public string Admin { get; } = New("admin");

        private static string New(string name) => $"sk-{name}-{Guid.NewGuid():N}";
    }
}
