using Microsoft.Data.Sqlite;
using Proxy.Core.Identity;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>What a first run puts into the ledger, and the admin key: hashes only.</summary>
internal sealed class SqliteKeyStore(string path, TimeSpan busyTimeout)
{
    private const string AdminKeyHash = "admin_key_hash";

    public bool HasKeys()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(path);
        return connection.ReadLong("SELECT EXISTS (SELECT 1 FROM keys)") != 0;
    }

    public string? ReadAdminKeyHash()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT value FROM settings WHERE name = $name";
        command.Parameters.AddWithValue("$name", AdminKeyHash);
        return command.ExecuteScalar() as string;
    }

    /// <summary>Stores what a first run made, both or neither.</summary>
    public void Add(string? adminKeyHash, Principal? key, long nowUnixMs)
    {
        using SqliteConnection connection = LedgerDatabase.OpenWriter(path, busyTimeout);
        using SqliteTransaction transaction = connection.BeginTransaction(deferred: false);
        if (adminKeyHash is not null)
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "INSERT INTO settings (name, value) VALUES ($name, $value)";
            command.Parameters.AddWithValue("$name", AdminKeyHash);
            command.Parameters.AddWithValue("$value", adminKeyHash);
            command.ExecuteNonQuery();
        }

        if (key is not null)
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText =
                "INSERT INTO keys (hash, scope_id, alias, team_id, user_id, blocked, expires_at_ms, created_at_ms) VALUES ($hash, $hash, $alias, $team, $user, $blocked, $expires, $created)";
            command.Parameters.AddWithValue("$hash", key.Key.KeyHash);
            command.Parameters.AddWithValue("$alias", (object?)key.Key.Alias ?? DBNull.Value);
            command.Parameters.AddWithValue("$team", (object?)key.Key.TeamId ?? DBNull.Value);
            command.Parameters.AddWithValue("$user", (object?)key.Key.UserId ?? DBNull.Value);
            command.Parameters.AddWithValue("$blocked", key.IsBlocked ? 1 : 0);
            command.Parameters.AddWithValue("$expires", (object?)key.ExpiresAtUnixMs ?? DBNull.Value);
            command.Parameters.AddWithValue("$created", nowUnixMs);
            command.ExecuteNonQuery();
        }

        transaction.Commit();
    }
}
