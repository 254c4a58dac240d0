using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Data.Sqlite;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Host.Composition;
using Proxy.Host.Configuration;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host;

/// <summary>
/// A whole gateway in this process: ledger, keys, pools, data port and housekeeping. The order of starting is the order below, and stopping
/// is its reverse: no request is taken before it can be booked, and the ledger closes after the last request is over.
/// </summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private static readonly TimeSpan HousekeepingPeriod = TimeSpan.FromSeconds(1);

    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly PoolSet _pools;
    private readonly SnapshotBuilder _snapshots;
    private readonly SqliteKeyStore _keys;
    private readonly SqliteSpendSink _sink;
    private readonly Lock _reloadLock = new();
    private readonly string? _ledgerAdminKeyHash;
    private ITimer? _housekeeping;
    private WebApplication? _app;
    private GatewayConfiguration _configuration;
    private int _disposed;

    private GatewayHost(GatewayConfiguration configuration, TimeProvider time, ILoggerFactory loggers, Func<PoolKey, Core.Upstream.UpstreamDialer> dialers)
    {
        _configuration = configuration;
        _time = time;
        _loggers = loggers;
        _logger = loggers.CreateLogger("tollway");
        _pools = new PoolSet(dialers, time);
        _snapshots = new SnapshotBuilder(_pools);

        // The ledger first: nothing is served that cannot be booked.
        using (SqliteConnection connection = LedgerDatabase.OpenOrCreate(configuration.LedgerPath, configuration.Ledger.BusyTimeout))
        {
        }

        _keys = new SqliteKeyStore(configuration.LedgerPath, configuration.Ledger.BusyTimeout);
        IReadOnlyList<Principal> ledgerKeys = _keys.ReadKeys();
        string? adminKeyHash = configuration.AdminKeyHash ?? _keys.ReadAdminKeyHash();
        string? newAdminKey = adminKeyHash is null ? KeyHash.NewKey() : null;
        string? newKey = ledgerKeys.Count == 0 && configuration.Keys.Count == 0 ? KeyHash.NewKey() : null;
        FirstRun = new FirstRunKeys(newAdminKey, newKey);
        if (newKey is not null)
        {
            ledgerKeys = [FirstPrincipal(newKey)];
        }

        _ledgerAdminKeyHash = configuration.AdminKeyHash is null ? adminKeyHash ?? KeyHash.Of(newAdminKey!) : null;
        GatewaySnapshot snapshot = _snapshots.Build(configuration, ledgerKeys, configuration.AdminKeyHash ?? _ledgerAdminKeyHash);

        Health = new GatewayHealth();
        _sink = new SqliteSpendSink(configuration.LedgerPath, configuration.Ledger, () => Gateway!.Snapshot.Prices, Health, time, _logger);
        Gateway = new Gateway(snapshot, _sink, Health, time, loggers.CreateLogger<Gateway>());
        Ledger = new LedgerReader(configuration.LedgerPath);
    }

    public Gateway Gateway { get; }

    public GatewayHealth Health { get; }

    public LedgerReader Ledger { get; }

    public string LedgerPath => _configuration.LedgerPath;

    /// <summary>The keys that this start made; the only place where they are in clear.</summary>
    public FirstRunKeys FirstRun { get; }

    /// <summary>The data port's addresses as bound, ports filled in.</summary>
    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    /// <summary>Starts a gateway that stops when it is disposed of and takes no signal of the process.</summary>
    /// <exception cref="ConfigurationException"/>
    /// <exception cref="Storage.LedgerException"/>
    /// <exception cref="IOException">An address cannot be bound.</exception>
    public static Task<GatewayHost> StartAsync(GatewayConfiguration configuration, TimeProvider? time = null, ILoggerProvider? logs = null) =>
        StartAsync(configuration, time ?? TimeProvider.System, HostLogging.Create(configuration.LogLevel, logs), asService: false, DialerFactory.Create);

    public static async Task<GatewayHost> StartAsync(
        GatewayConfiguration configuration, TimeProvider time, ILoggerFactory loggers, bool asService, Func<PoolKey, Core.Upstream.UpstreamDialer> dialers)
    {
        GatewayHost host = new(configuration, time, loggers, dialers);
        try
        {
            await host.OpenAsync(asService);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Completes when a signal or systemd has stopped the data port; for a service.</summary>
    public Task WaitForShutdownAsync() => _app!.WaitForShutdownAsync();

    /// <summary>Completes when every exchange that ended before this call is in the ledger.</summary>
    public Task FlushLedgerAsync() => _sink.FlushAsync();

    /// <summary>
    /// Reads the configuration again and swaps keys, routes, prices and limits; connections and pools whose upstream stays are not touched.
    /// What cannot be used changes nothing, and is logged.
    /// </summary>
    public bool Reload(Func<GatewayConfiguration> read)
    {
        lock (_reloadLock)
        {
            try
            {
                GatewayConfiguration next = read();
                GatewaySnapshot snapshot = _snapshots.Build(next, _keys.ReadKeys(), next.AdminKeyHash ?? _ledgerAdminKeyHash ?? _keys.ReadAdminKeyHash());
                Gateway.Snapshot = snapshot;
                _pools.KeepOnly(SnapshotBuilder.PoolsOf(next));
                WarnOfRestarts(next);
                LogWarnings(next);
                HostLog.Reloaded(_logger, snapshot.Keys.Count, next.Routes.Count, snapshot.Prices.Version);

                // What takes a restart stays as it was started.
                _configuration = next with { Listen = _configuration.Listen, Tls = _configuration.Tls, LedgerPath = _configuration.LedgerPath, Ledger = _configuration.Ledger, Transport = _configuration.Transport, Drain = _configuration.Drain, LogLevel = _configuration.LogLevel };
                return true;
            }
            catch (ConfigurationException fault)
            {
                foreach (string problem in fault.Problems)
                {
                    HostLog.ReloadRefused(_logger, problem);
                }
            }
            catch (Exception fault)
            {
                HostLog.ReloadRefused(_logger, fault.Message);
            }

            // Pools that only the refused configuration wanted.
            _pools.KeepOnly(SnapshotBuilder.PoolsOf(_configuration));
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (_app is not null)
        {
            HostLog.Stopping(_logger, _configuration.Drain);
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        if (_housekeeping is not null)
        {
            await _housekeeping.DisposeAsync();
        }

        await _sink.DisposeAsync();
        await _pools.DisposeAsync();
        Gateway.Dispose();
        _loggers.Dispose();
    }

    private async Task OpenAsync(bool asService)
    {
        _app = DataPort.Build(_configuration, Gateway, _loggers, asService);
        _housekeeping = _time.CreateTimer(static state => _ = ((GatewayHost)state!).KeepHouseAsync(), this, HousekeepingPeriod, HousekeepingPeriod);
        await _app.StartAsync();
        Addresses = [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address))];

        // After the ports are bound: a start that fails must not use up the one showing of the keys.
        if (FirstRun.AdminKey is not null || FirstRun.VirtualKey is not null)
        {
            _keys.Add(
                FirstRun.AdminKey is null ? null : KeyHash.Of(FirstRun.AdminKey),
                FirstRun.VirtualKey is null ? null : FirstPrincipal(FirstRun.VirtualKey),
                _time.GetUtcNow().ToUnixTimeMilliseconds());
        }

        LogWarnings(_configuration);
        HostLog.Started(_logger, string.Join(' ', Addresses), LedgerPath);
    }

    private async Task KeepHouseAsync()
    {
        try
        {
            await _pools.ScavengeAsync();
        }
        catch (Exception fault)
        {
            HostLog.HousekeepingBroken(_logger, fault);
        }
    }

    private void LogWarnings(GatewayConfiguration configuration)
    {
        foreach (string warning in configuration.Warnings)
        {
            HostLog.ConfigurationWarning(_logger, warning);
        }
    }

    private void WarnOfRestarts(GatewayConfiguration next)
    {
        foreach ((string key, bool changed) in new[]
        {
            ("listen", !next.Listen.SequenceEqual(_configuration.Listen)),
            ("tls", next.Tls != _configuration.Tls),
            ("ledger", next.LedgerPath != _configuration.LedgerPath || next.Ledger != _configuration.Ledger),
            ("transport", next.Transport != _configuration.Transport),
            ("drainSeconds", next.Drain != _configuration.Drain),
            ("logging.level", next.LogLevel != _configuration.LogLevel),
        })
        {
            if (changed)
            {
                HostLog.NeedsRestart(_logger, key);
            }
        }
    }

    private static Principal FirstPrincipal(string key) => new() { KeyHash = KeyHash.Of(key), KeyAlias = "first" };
}
