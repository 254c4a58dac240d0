using Microsoft.Data.Sqlite;
using Proxy.Core.Identity;
using Proxy.Core.Spend;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Storage;

public sealed class LedgerSchemaTests : IDisposable
{
    private static readonly TimeSpan Busy = TimeSpan.FromSeconds(1);

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_empty_database_is_migrated_to_the_newest_version()
    {
        using SqliteConnection connection = LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy);
        Assert.Equal(LedgerSchema.Version, connection.ReadLong("PRAGMA user_version"));
        Assert.Equal(14, connection.ReadLong("SELECT count(*) FROM sqlite_master WHERE type = 'table'"));
        Assert.Equal(SpendColumns.Names.Split(", ").Order(), ColumnsOf(connection, "spend").Order());
        Assert.Equal(SpendInsert.IterationColumns.Split(", ").Order(), ColumnsOf(connection, "spend_iterations").Order());
    }

    [Fact]
    public void Opening_again_changes_nothing()
    {
        LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy).Dispose();
        using (SpendInsert insert = new(LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy)))
        {
            insert.Write([Records.Simple(1)], []);
        }

        LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy).Dispose();
        Assert.Equal(1, new LedgerReader(_directory.Ledger).Count());
    }

    [Fact]
    public void It_writes_ahead_and_syncs_at_checkpoints()
    {
        using SqliteConnection connection = LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy);
        Assert.Equal(1, connection.ReadLong("PRAGMA synchronous"));
        Assert.Equal(1000, connection.ReadLong("PRAGMA busy_timeout"));
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode";
        Assert.Equal("wal", command.ExecuteScalar());
    }

    [Fact]
    public void A_newer_schema_is_refused()
    {
        using (SqliteConnection connection = LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy))
        {
            connection.Execute("PRAGMA user_version = 99");
        }

        LedgerException fault = Assert.Throws<LedgerException>(() => LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy));
        Assert.Contains("schema version 99", fault.Message, StringComparison.Ordinal);
        Assert.Contains("run the newer build", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_named_with_the_key_to_change()
    {
        string path = Path.Combine(_directory.Write("file", ""), "ledger.db");
        LedgerException fault = Assert.Throws<LedgerException>(() => LedgerDatabase.OpenOrCreate(path, Busy));
        Assert.Contains("ledger.path", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused()
    {
        string path = _directory.Write("ledger.db", new string('x', 5000));
        Assert.Throws<LedgerException>(() => LedgerDatabase.OpenOrCreate(path, Busy));
    }

    [Fact]
    public void Only_the_owner_can_read_it()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        string path = Path.Combine(_directory.Root, "state", "ledger.db");
        using SqliteConnection connection = LedgerDatabase.OpenOrCreate(path, Busy);
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        Assert.Equal(Private, File.GetUnixFileMode(path));
        Assert.Equal(Private, File.GetUnixFileMode(path + "-wal"));
    }

    [Fact]
    public void Keys_and_the_admin_hash_are_kept()
    {
        LedgerDatabase.OpenOrCreate(_directory.Ledger, Busy).Dispose();
        SqliteKeyStore keys = new(_directory.Ledger, Busy);
        Assert.False(keys.HasKeys());
        Assert.Null(keys.ReadAdminKeyHash());

        keys.Add("ad", new Principal { Key = new KeyIdentity("h", "a", "t", "u"), IsBlocked = true, ExpiresAtUnixMs = 7 }, 1);
        keys.Add(null, new Principal { Key = new KeyIdentity("h2") }, 2);

        Assert.Equal("ad", keys.ReadAdminKeyHash());
        Assert.True(keys.HasKeys());
        IReadOnlyList<KeyRow> rows = _directory.ReadKeys();
        Assert.Equal(["h", "h2"], rows.Select(key => key.Hash));
        Assert.Equal(("h", "a", "t", "u", true, 7L), (rows[0].ScopeId, rows[0].Alias, rows[0].TeamId, rows[0].UserId, rows[0].Blocked, rows[0].ExpiresAtMs!.Value));
    }

    private static IEnumerable<string> ColumnsOf(SqliteConnection connection, string table)
    {
        List<string> columns = [];
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT name FROM pragma_table_info('{table}')";
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            columns.Add(reader.GetString(0));
        }

        return columns;
    }
}
