using Microsoft.Data.Sqlite;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Host.Configuration;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Composition;

/// <summary>
/// The one who builds snapshots and publishes them, in order: each is made of the configuration, the admin key and the ledger's rows as they
/// are while the lock is held, so that none is ever put on top of a newer one. Thread-safe.
/// </summary>
internal sealed class SnapshotSource(SnapshotBuilder builder, PrincipalCatalog catalog, SqliteKeyStore keys, TimeProvider time, ILogger logger)
{
    private readonly Lock _publishing = new();
    private volatile GatewayConfiguration? _configuration;
    private volatile GatewaySnapshot? _current;
    private volatile string _adminKeyHash = "";
    private volatile int _unusableRows;
    private Gateway? _gateway;
    private FirstKeys _first = new(null, []);

    // Of the ledger's rows in the snapshot that is out; -1 when it is not known to have them all.
    private long _seen = -1;

    public GatewaySnapshot Current => _current!;

    public GatewayConfiguration Configuration => _configuration!;

    /// <summary>Empty for none.</summary>
    public string AdminKeyHash => _adminKeyHash;

    /// <summary>Rows of the ledger that cannot be used: whatever depends on them is refused.</summary>
    public int UnusableRows => _unusableRows;

    /// <summary>A snapshot without the ledger's rows, which are read when what the journal held is in the ledger.</summary>
    /// <exception cref="ConfigurationException"/>
    public GatewaySnapshot Begin(GatewayConfiguration configuration, FirstKeys first)
    {
        lock (_publishing)
        {
            _first = first;
            _configuration = configuration;
            _adminKeyHash = configuration.AdminKeyHash ?? keys.ReadAdminKeyHash() ?? first.AdminKeyHash ?? "";
            return _current = builder.Build(configuration, first.Principals, AdminKeyOrNull, []);
        }
    }

    /// <summary>From now on every snapshot goes to this gateway.</summary>
    public void ServeTo(Gateway gateway)
    {
        lock (_publishing)
        {
            _gateway = gateway;
            gateway.Snapshot = Current;
        }
    }

    /// <summary>The keys of a first run are in the ledger now.</summary>
    public void FirstKeysStored()
    {
        lock (_publishing)
        {
            _first = new FirstKeys(_first.AdminKeyHash, []);
            _seen = -1;
        }
    }

    /// <summary>When it returns, the configuration is in force on the data port, with the ledger's rows as they are.</summary>
    /// <exception cref="ConfigurationException">Nothing has changed.</exception>
    /// <exception cref="SqliteException">Nothing has changed.</exception>
    public void Reload(GatewayConfiguration next)
    {
        lock (_publishing)
        {
            try
            {
                string adminKeyHash = next.AdminKeyHash ?? keys.ReadAdminKeyHash() ?? _first.AdminKeyHash ?? "";
                List<string> unusable = [];
                IReadOnlyList<Principal> principals = ReadLedger(next, unusable);
                GatewaySnapshot snapshot = builder.Build(next, principals, adminKeyHash.Length == 0 ? null : adminKeyHash, unusable);
                (_configuration, _adminKeyHash) = (next, adminKeyHash);
                Publish(snapshot, unusable);
            }
            catch
            {
                // The ledger's rows may have been read, with the refused configuration's rules.
                _seen = -1;
                throw;
            }
        }
    }

    /// <summary>When it returns, what the ledger held at the call is in force on the data port, whoever wrote it. Cheap when nothing changed.</summary>
    /// <exception cref="SqliteException">The snapshot before stays in force.</exception>
    public void Refresh()
    {
        lock (_publishing)
        {
            if (_seen >= 0)
            {
                using SqliteConnection connection = LedgerDatabase.OpenReader(Configuration.LedgerPath);
                if (PrincipalReader.ReadVersion(connection) == _seen)
                {
                    return;
                }
            }

            _seen = -1;
            List<string> unusable = [];
            IReadOnlyList<Principal> principals = ReadLedger(Configuration, unusable);
            Publish(Current with { Keys = SnapshotBuilder.BuildKeys(Configuration.Keys, principals, AdminKeyOrNull, unusable) }, unusable);
        }
    }

    private string? AdminKeyOrNull => _adminKeyHash.Length == 0 ? null : _adminKeyHash;

    private Principal[] ReadLedger(GatewayConfiguration configuration, List<string> unusable)
    {
        catalog.Reserve = configuration.Limits.Reserve;
        using SqliteConnection connection = LedgerDatabase.OpenReader(Configuration.LedgerPath);
        IReadOnlyList<Principal> principals = catalog.Read(connection, time.GetUtcNow().ToUnixTimeMilliseconds());
        unusable.AddRange(catalog.Unusable);
        return [.. _first.Principals, .. principals];
    }

    private void Publish(GatewaySnapshot snapshot, List<string> unusable)
    {
        _current = snapshot;
        if (_gateway is not null)
        {
            _gateway.Snapshot = snapshot;
        }

        _seen = catalog.Version;
        _unusableRows = unusable.Count;
        foreach (string row in unusable)
        {
            HostLog.RowUnusable(logger, row);
        }
    }
}

/// <summary>What a first run made and has not stored yet.</summary>
internal sealed record FirstKeys(string? AdminKeyHash, IReadOnlyList<Principal> Principals);
