using Microsoft.Data.Sqlite;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>Reads the tables of principals through a connection of the caller's.</summary>
internal static class PrincipalReader
{
    public const string KeyColumns =
        "hash, scope_id, name, alias, team_id, user_id, blocked, expires_at_ms, settings, metadata, replaced_by, created_at_ms, created_by, updated_at_ms, updated_by";

    public const string TeamColumns = "team_id, alias, blocked, settings, metadata, created_at_ms, created_by, updated_at_ms, updated_by";

    public const string UserColumns = "user_id, email, alias, role, blocked, settings, metadata, created_at_ms, created_by, updated_at_ms, updated_by";

    private const string MemberColumns = "team_id, user_id, role, max_budget_nano_usd";

    /// <summary>Goes up with each change of the tables, whoever made it.</summary>
    public static long ReadVersion(SqliteConnection connection) => connection.ReadLong("SELECT value FROM settings WHERE name = 'principals_version'");

    /// <summary>All of it, of one moment.</summary>
    public static Principals ReadAll(SqliteConnection connection)
    {
        using SqliteTransaction snapshot = connection.BeginTransaction(deferred: true);
        return new Principals(
            ReadVersion(connection),
            Keys(connection, "", ""),
            Teams(connection, "", ""),
            Users(connection, "", ""),
            Members(connection, "", ""),
            Adjustments(connection));
    }

    /// <param name="where">A clause of this folder's with the one parameter <c>$value</c>, or empty.</param>
    public static IReadOnlyList<KeyRow> Keys(SqliteConnection connection, string where, string value) =>
        Read(connection, $"SELECT {KeyColumns} FROM keys {where} ORDER BY created_at_ms, hash", value, static reader => new KeyRow
        {
            Hash = reader.GetString(0),
            ScopeId = reader.TextOrNull(1) ?? reader.GetString(0),
            Name = reader.TextOrNull(2),
            Alias = reader.TextOrNull(3),
            TeamId = reader.TextOrNull(4),
            UserId = reader.TextOrNull(5),
            Blocked = reader.GetInt64(6) != 0,
            ExpiresAtMs = reader.LongOrNull(7),
            Settings = reader.TextOrNull(8),
            Metadata = reader.TextOrNull(9),
            ReplacedBy = reader.TextOrNull(10),
            CreatedAtMs = reader.GetInt64(11),
            CreatedBy = reader.TextOrNull(12),
            UpdatedAtMs = reader.LongOrNull(13),
            UpdatedBy = reader.TextOrNull(14),
        });

    /// <summary>The keys of which at least one value fits, each with all its values.</summary>
    public static IReadOnlyList<KeyChain> KeyChains(SqliteConnection connection, string where, string value) => KeyChain.Of(
        where.Length == 0 ? Keys(connection, "", "")
        : Keys(connection, $"WHERE ifnull(scope_id, hash) IN (SELECT ifnull(scope_id, hash) FROM keys {where})", value));

    public static IReadOnlyList<TeamRow> Teams(SqliteConnection connection, string where, string value) =>
        Read(connection, $"SELECT {TeamColumns} FROM teams {where} ORDER BY created_at_ms, team_id", value, static reader => new TeamRow
        {
            TeamId = reader.GetString(0),
            Alias = reader.TextOrNull(1),
            Blocked = reader.GetInt64(2) != 0,
            Settings = reader.TextOrNull(3),
            Metadata = reader.TextOrNull(4),
            CreatedAtMs = reader.GetInt64(5),
            CreatedBy = reader.TextOrNull(6),
            UpdatedAtMs = reader.LongOrNull(7),
            UpdatedBy = reader.TextOrNull(8),
        });

    public static IReadOnlyList<UserRow> Users(SqliteConnection connection, string where, string value) =>
        Read(connection, $"SELECT {UserColumns} FROM users {where} ORDER BY created_at_ms, user_id", value, static reader => new UserRow
        {
            UserId = reader.GetString(0),
            Email = reader.TextOrNull(1),
            Alias = reader.TextOrNull(2),
            Role = reader.TextOrNull(3),
            Blocked = reader.GetInt64(4) != 0,
            Settings = reader.TextOrNull(5),
            Metadata = reader.TextOrNull(6),
            CreatedAtMs = reader.GetInt64(7),
            CreatedBy = reader.TextOrNull(8),
            UpdatedAtMs = reader.LongOrNull(9),
            UpdatedBy = reader.TextOrNull(10),
        });

    public static IReadOnlyList<MemberRow> Members(SqliteConnection connection, string where, string value) =>
        Read(connection, $"SELECT {MemberColumns} FROM team_members {where} ORDER BY team_id, user_id", value, static reader =>
            new MemberRow(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.LongOrNull(3)));

    private static IReadOnlyList<AdjustmentRow> Adjustments(SqliteConnection connection) =>
        Read(connection, "SELECT kind, id, duration, window_start_ms, nano_usd FROM budget_adjustments", "", static reader =>
            new AdjustmentRow(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), reader.GetInt64(4)));

    private static List<T> Read<T>(SqliteConnection connection, string sql, string value, Func<SqliteDataReader, T> make)
    {
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this folder only; what comes from outside is the parameter.
        command.CommandText = sql;
#pragma warning restore CA2100
        if (sql.Contains("$value", StringComparison.Ordinal))
        {
            command.Parameters.AddWithValue("$value", value);
        }

        List<T> rows = [];
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            rows.Add(make(reader));
        }

        return rows;
    }
}
