using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Data.Sqlite;
using Proxy.Core.Spend;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Forwarding;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend.Journal;
using Proxy.Core.Upstream;
using Proxy.Host.Admin;
using Proxy.Host.Composition;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;
using Proxy.Host.Telemetry;

namespace Proxy.Host;

/// <summary>
/// A whole gateway in this process: ledger, keys, pools, data port and housekeeping. The order of starting is the order below, and stopping
/// is its reverse: no request is taken before it can be booked, and the ledger closes after the last request is over.
/// </summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private static readonly TimeSpan HousekeepingPeriod = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RecoveryPatience = TimeSpan.FromSeconds(30);

    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly PoolSet _pools;
    private readonly SnapshotSource _snapshots;
    private readonly SqliteKeyStore _keys;
    private readonly PrincipalCatalog _catalog;
    private readonly BatchReservationFile _batchFile;
    private readonly SpendCounters _counters = new();
    private readonly SpendJournal _journal;
    private readonly SqliteSpendSink _sink;
    private readonly SemaphoreSlim _reloading = new(1);
    private ITimer? _housekeeping;
    private WebApplication? _admin;
    private WebApplication? _app;
    private int _disposed;

    private GatewayHost(GatewayConfiguration configuration, TimeProvider time, ILoggerFactory loggers, Func<PoolKey, TimeProvider, UpstreamDialer> dialers)
    {
        _time = time;
        _loggers = loggers;
        _logger = loggers.CreateLogger("tollway");
        _pools = new PoolSet(dialers, time);

        // The ledger first: nothing is served that cannot be booked.
        using (SqliteConnection connection = LedgerDatabase.OpenOrCreate(configuration.LedgerPath, configuration.Ledger.BusyTimeout))
        {
        }

        _keys = new SqliteKeyStore(configuration.LedgerPath, configuration.Ledger.BusyTimeout);
        _catalog = new PrincipalCatalog { Reserve = configuration.Limits.Reserve };
        _batchFile = new BatchReservationFile(configuration.LedgerPath + ".batches");
        string? adminKeyHash = configuration.AdminKeyHash ?? _keys.ReadAdminKeyHash();
        string? newAdminKey = adminKeyHash is null ? KeyHash.NewKey() : null;
        string? newKey = configuration.Keys.Count == 0 && !_keys.HasKeys() ? KeyHash.NewKey() : null;
        FirstRun = new FirstRunKeys(newAdminKey, newKey);
        _snapshots = new SnapshotSource(new SnapshotBuilder(_pools), _catalog, _keys, time, _logger);
        GatewaySnapshot snapshot = _snapshots.Begin(
            configuration, new FirstKeys(newAdminKey is null ? null : KeyHash.Of(newAdminKey), newKey is null ? [] : [FirstPrincipal(newKey)]));

        Health = new GatewayHealth();
        _journal = OpenJournal(configuration, time, _logger);
        _sink = new SqliteSpendSink(_journal, configuration.LedgerPath, configuration.Ledger, () => _snapshots.Current.Prices, Health, time, _logger, OnBooked);
        Gateway = new Gateway(snapshot, _sink, Health, time, loggers.CreateLogger<Gateway>());
        _snapshots.ServeTo(Gateway);
    }

    public Gateway Gateway { get; }

    public GatewayHealth Health { get; }

    public string LedgerPath => _snapshots.Configuration.LedgerPath;

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
        GatewayConfiguration configuration, TimeProvider time, ILoggerFactory loggers, bool asService, Func<PoolKey, TimeProvider, UpstreamDialer> dialers)
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
    public async Task<bool> ReloadAsync(Func<GatewayConfiguration> read)
    {
        await _reloading.WaitAsync();
        try
        {
            return Apply(read);
        }
        finally
        {
            // The pools that only the old configuration wanted, or the refused one.
            await _pools.KeepOnlyAsync(SnapshotBuilder.PoolsOf(_snapshots.Configuration));
            _reloading.Release();
        }
    }

    /// <summary>Metrics in Prometheus's text format.</summary>
    public string ReadMetrics() => GatewayMetrics.Write(Gateway, _journal, _counters, _catalog.Scopes, _snapshots.UnusableRows, _time.GetUtcNow().ToUnixTimeMilliseconds());

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (_app is not null)
        {
            if (Addresses.Count > 0)
            {
                HostLog.Stopping(_logger, _snapshots.Configuration.Drain);
            }

            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        if (_admin is not null)
        {
            await _admin.StopAsync();
            await _admin.DisposeAsync();
        }

        if (_housekeeping is not null)
        {
            await _housekeeping.DisposeAsync();
        }

        await _sink.DisposeAsync();
        SaveBatches();
        _journal.Dispose();
        await _pools.DisposeAsync();
        Gateway.Dispose();
        _reloading.Dispose();
        _loggers.Dispose();
    }

    private bool Apply(Func<GatewayConfiguration> read)
    {
        try
        {
            GatewayConfiguration next = read();
            GatewayConfiguration now = _snapshots.Configuration;
            _snapshots.Reload(next with
            {
                // What takes a restart stays as it was started.
                Listen = now.Listen,
                Tls = now.Tls,
                LedgerPath = now.LedgerPath,
                Ledger = now.Ledger,
                Transport = now.Transport,
                Drain = now.Drain,
                LogLevel = now.LogLevel,
                Admin = now.Admin,
            });
            WarnOfRestarts(now, next);
            LogWarnings(next);
            HostLog.Reloaded(_logger, _snapshots.Current.Keys.Count, next.Routes.Count, _snapshots.Current.Prices.Version);
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
            // A reload must never be the end of a gateway that works.
            HostLog.ReloadRefused(_logger, fault.Message);
        }

        return false;
    }

    private async Task OpenAsync(bool asService)
    {
        // What an earlier run left in the journal first, as far as the ledger takes it.
        await Task.WhenAny(_sink.FlushAsync(), Task.Delay(RecoveryPatience, _time));
        GatewayConfiguration configuration = _snapshots.Configuration;
        _snapshots.Refresh();
        RestoreBatches();
        _app = DataPort.Build(configuration, Gateway, _loggers, asService);
        _ = _app.Lifetime.ApplicationStopping.Register(Gateway.BeginDrain);
        _housekeeping = _time.CreateTimer(static state => ((GatewayHost)state!).KeepHouse(), this, HousekeepingPeriod, HousekeepingPeriod);
        await _app.StartAsync();
        Addresses = [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address))];

        // After the ports are bound: a start that fails must not use up the one showing of the keys.
        if (FirstRun.AdminKey is not null || FirstRun.VirtualKey is not null)
        {
            _keys.Add(
                FirstRun.AdminKey is null ? null : KeyHash.Of(FirstRun.AdminKey),
                FirstRun.VirtualKey is null ? null : FirstPrincipal(FirstRun.VirtualKey),
                _time.GetUtcNow().ToUnixTimeMilliseconds());
            _snapshots.FirstKeysStored();
        }

        if (configuration.Admin is { } listen)
        {
            _admin = await AdminServer.StartAsync(MakeAdminContext(), listen, _loggers);
            HostLog.AdminStarted(_logger, string.Join(' ', new[] { listen.Socket, listen.Address?.ToString() }.OfType<string>()));
        }

        LogWarnings(configuration);
        HostLog.Started(_logger, string.Join(' ', Addresses), LedgerPath);
    }

    private AdminContext MakeAdminContext() => new()
    {
        LedgerPath = LedgerPath,
        BusyTimeout = _snapshots.Configuration.Ledger.BusyTimeout,
        Time = _time,
        Prices = () => _snapshots.Current.Prices,
        AdminKeyHash = () => _snapshots.AdminKeyHash,
        PrincipalsChanged = TakeOverChanges,
        UnusableRows = () => _snapshots.UnusableRows,
        LedgerConnected = () => Health.LedgerConnected,
        InFlight = () => _sink.InFlight,
        Metrics = ReadMetrics,
    };

    /// <summary>When it returns, what the ledger holds of keys, teams and users is in force on the data port.</summary>
    /// <exception cref="AdminException">503: it is stored and not in force.</exception>
    internal void TakeOverChanges()
    {
        try
        {
            _snapshots.Refresh();
        }
        catch (Exception fault)
        {
            HostLog.PrincipalsUnreadable(_logger, fault.Message);
            throw new AdminException(
                503, "no_db_connection", null, "the change is stored but not yet in force: the gateway cannot read the ledger now and goes on trying");
        }
    }

    private void LookForChanges()
    {
        try
        {
            _snapshots.Refresh();
        }
        catch (Exception fault)
        {
            // The snapshot before stays in force; the ledger's own absence is told by its writer.
            if (Health.LedgerConnected)
            {
                HostLog.PrincipalsUnreadable(_logger, fault.Message);
            }
        }
    }

    /// <summary>Behind the first reading of the ledger's keys, whose budgets they are reserved in.</summary>
    private void RestoreBatches()
    {
        try
        {
            Gateway.Batches.Restore(_batchFile.Read(), _catalog.FindScope);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            HostLog.BatchesUnreadable(_logger, fault.Message);
        }
    }

    private void SaveBatches()
    {
        try
        {
            _batchFile.Write(Gateway.Batches);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            HostLog.BatchesUnwritable(_logger, fault.Message);
        }
    }

    /// <summary>
    /// On the ledger's thread: counts for metrics, charges results of batches to the key that made them, and gives back what was reserved for a batch whose
    /// results are all booked, or that was cancelled or deleted.
    /// </summary>
    private void OnBooked(IReadOnlyList<BookedRecord> booked)
    {
        _counters.Add(booked);
        foreach (BookedRecord line in booked)
        {
            if (!line.Record.BatchId.IsEmpty && line.KeyHash is not null && _catalog.Find(line.KeyHash) is { } principal)
            {
                AdmissionGate.Charge(
                    principal.Scopes, line.Record.CostNanoUsd, line.Record.StartedAtUnixMs, _time.GetUtcNow().ToUnixTimeMilliseconds(), line.Credential == CredentialKind.Server);
            }

            if (EndsBatch(line.Record))
            {
                Gateway.Batches.Release(line.Record.MessageId.ToString());
            }
        }
    }

    private static bool EndsBatch(SpendRecord record) =>
        record.Status is >= 200 and <= 299
        && record.BatchId.IsEmpty
        && ((record.PathClass == PathClass.BatchResults && record.EndReason == EndReason.Complete)
            || (record.PathClass == PathClass.Batches && record.Method is MethodId.Post or MethodId.Delete));

    private void KeepHouse()
    {
        try
        {
            _pools.Scavenge();
            LookForChanges();
            WatchSoftBudgets();
            Gateway.Batches.ReleaseExpired(_time.GetUtcNow().ToUnixTimeMilliseconds());
            SaveBatches();
        }
        catch (Exception fault)
        {
            // Thrown on a timer it would end the process.
            HostLog.HousekeepingBroken(_logger, fault);
        }
    }

    private void WatchSoftBudgets()
    {
        long nowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (AdmissionScope scope in _catalog.Scopes)
        {
            if (scope.Limits.SoftBudgetNanoUsd is not null && scope.TakeSoftBudgetCrossed(nowMs))
            {
                List<BudgetState> states = [];
                scope.ReadBudgets(nowMs, states);
                HostLog.SoftBudgetReached(_logger, EnumNames<ScopeKind>.Text(scope.Kind), scope.Id, Money.ToUsd(states[^1].SpentNanoUsd), states[^1].Period.Name);
            }
        }
    }

    private void LogWarnings(GatewayConfiguration configuration)
    {
        foreach (string warning in configuration.Warnings)
        {
            HostLog.ConfigurationWarning(_logger, warning);
        }
    }

    private void WarnOfRestarts(GatewayConfiguration now, GatewayConfiguration next)
    {
        foreach ((string key, bool changed) in new[]
        {
            ("listen", !next.Listen.SequenceEqual(now.Listen)),
            ("tls", next.Tls != now.Tls),
            ("ledger", next.LedgerPath != now.LedgerPath || next.Ledger != now.Ledger),
            ("transport", next.Transport != now.Transport),
            ("admin", next.Admin != now.Admin),
            ("drainSeconds", next.Drain != now.Drain),
            ("logging.level", next.LogLevel != now.LogLevel),
        })
        {
            if (changed)
            {
                HostLog.NeedsRestart(_logger, key);
            }
        }
    }

    private static SpendJournal OpenJournal(GatewayConfiguration configuration, TimeProvider time, ILogger logger)
    {
        string directory = configuration.Ledger.JournalPath ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(configuration.LedgerPath))!, "journal");
        SpendJournalOptions options = new() { MaxSlots = configuration.Ledger.MaxInFlight, SlotsPerSegment = Math.Min(configuration.Ledger.MaxInFlight, 1024) };
        try
        {
            return SpendJournal.Open(directory, options, time, logger);
        }
        catch (JournalException fault)
        {
            throw new LedgerException($"{fault.Message}. Set ledger.journalPath to a directory that this user may write and no other gateway uses", fault);
        }
    }

    private static Principal FirstPrincipal(string key) => new() { Key = new KeyIdentity(KeyHash.Of(key), "first") };
}
