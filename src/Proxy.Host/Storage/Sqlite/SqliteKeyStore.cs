using Microsoft.Data.Sqlite;
using Proxy.Core.Identity;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>The keys in the ledger: hashes only.</summary>
internal sealed class SqliteKeyStore(string path, TimeSpan busyTimeout)
{
    private const string AdminKeyHash = "admin_key_hash";

    public IReadOnlyList<Principal> ReadKeys()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT hash, alias, team_id, user_id, blocked, expires_at_ms FROM keys ORDER BY created_at_ms, hash";
        List<Principal> keys = [];
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            keys.Add(new Principal
            {
                KeyHash = reader.GetString(0),
                KeyAlias = reader.TextOrNull(1),
                TeamId = reader.TextOrNull(2),
                UserId = reader.TextOrNull(3),
                IsBlocked = reader.GetInt64(4) != 0,
                ExpiresAtUnixMs = reader.IsDBNull(5) ? null : reader.GetInt64(5),
            });
        }

        return keys;
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
                "INSERT INTO keys (hash, alias, team_id, user_id, blocked, expires_at_ms, created_at_ms) VALUES ($hash, $alias, $team, $user, $blocked, $expires, $created)";
            command.Parameters.AddWithValue("$hash", key.KeyHash);
            command.Parameters.AddWithValue("$alias", (object?)key.KeyAlias ?? DBNull.Value);
            command.Parameters.AddWithValue("$team", (object?)key.TeamId ?? DBNull.Value);
            command.Parameters.AddWithValue("$user", (object?)key.UserId ?? DBNull.Value);
            command.Parameters.AddWithValue("$blocked", key.IsBlocked ? 1 : 0);
            command.Parameters.AddWithValue("$expires", (object?)key.ExpiresAtUnixMs ?? DBNull.Value);
            command.Parameters.AddWithValue("$created", nowUnixMs);
            command.ExecuteNonQuery();
        }

        transaction.Commit();
    }
}
