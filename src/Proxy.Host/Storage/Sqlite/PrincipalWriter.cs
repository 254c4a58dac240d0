using Microsoft.Data.Sqlite;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>Changes to principals, all or none of them with their audit rows: one transaction, which <see cref="Commit"/> ends. Not thread-safe.</summary>
internal sealed class PrincipalWriter : IDisposable
{
    private readonly SqliteTransaction _transaction;
    private readonly long _nowMs;

    public PrincipalWriter(string path, TimeSpan busyTimeout, string actor, long nowMs)
    {
        Actor = actor;
        _nowMs = nowMs;
        Connection = LedgerDatabase.OpenWriter(path, busyTimeout);

        // Immediate: what is read in it is what will be changed, however many do so at once.
        _transaction = Connection.BeginTransaction(deferred: false);
    }

    /// <summary>For reading what is about to be changed.</summary>
    public SqliteConnection Connection { get; }

    public string Actor { get; }

    public long NowMs => _nowMs;

    public void Put(KeyRow row) => Execute(
        $"INSERT OR REPLACE INTO keys ({PrincipalReader.KeyColumns}) VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        row.Hash, row.ScopeId, row.Name, row.Alias, row.TeamId, row.UserId, row.Blocked ? 1 : 0, row.ExpiresAtMs, row.Settings, row.Metadata, row.ReplacedBy, row.CreatedAtMs, row.CreatedBy, row.UpdatedAtMs, row.UpdatedBy);

    public void Put(TeamRow row) => Execute(
        $"INSERT OR REPLACE INTO teams ({PrincipalReader.TeamColumns}) VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8)",
        row.TeamId, row.Alias, row.Blocked ? 1 : 0, row.Settings, row.Metadata, row.CreatedAtMs, row.CreatedBy, row.UpdatedAtMs, row.UpdatedBy);

    public void Put(UserRow row) => Execute(
        $"INSERT OR REPLACE INTO users ({PrincipalReader.UserColumns}) VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        row.UserId, row.Email, row.Alias, row.Role, row.Blocked ? 1 : 0, row.Settings, row.Metadata, row.CreatedAtMs, row.CreatedBy, row.UpdatedAtMs, row.UpdatedBy);

    public void Put(MemberRow row) => Execute(
        "INSERT OR REPLACE INTO team_members (team_id, user_id, role, max_budget_nano_usd) VALUES ($0, $1, $2, $3)", row.TeamId, row.UserId, row.Role, row.MaxBudgetNanoUsd);

    public void Put(AdjustmentRow row) => Execute(
        "INSERT OR REPLACE INTO budget_adjustments (kind, id, duration, window_start_ms, nano_usd) VALUES ($0, $1, $2, $3, $4)", row.Kind, row.Id, row.Duration, row.WindowStartMs, row.NanoUsd);

    public void DeleteKey(string hash) => Execute("DELETE FROM keys WHERE hash = $0", hash);

    /// <summary>Keeps what a deleted key was, so that its spend can still be told by name.</summary>
    public void KeepDeletedKey(string hash, string row) =>
        Execute("INSERT OR REPLACE INTO deleted_keys (hash, deleted_at_ms, deleted_by, row) VALUES ($0, $1, $2, $3)", hash, _nowMs, Actor, row);

    public void DeleteTeam(string teamId)
    {
        Execute("DELETE FROM team_members WHERE team_id = $0", teamId);
        Execute("DELETE FROM teams WHERE team_id = $0", teamId);
    }

    public void DeleteUser(string userId)
    {
        Execute("DELETE FROM team_members WHERE user_id = $0", userId);
        Execute("DELETE FROM users WHERE user_id = $0", userId);
    }

    public bool DeleteMember(string teamId, string userId) => Execute("DELETE FROM team_members WHERE team_id = $0 AND user_id = $1", teamId, userId) > 0;

    /// <param name="before">The row as the admin API shows it; null for what is new. Never a key.</param>
    public void Audit(string action, string kind, string id, string? before, string? after) => Execute(
        "INSERT INTO audit (at_ms, actor, action, object_kind, object_id, before, after) VALUES ($0, $1, $2, $3, $4, $5, $6)", _nowMs, Actor, action, kind, id, before, after);

    public void Commit() => _transaction.Commit();

    public void Dispose()
    {
        _transaction.Dispose();
        Connection.Dispose();
    }

    private int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Connection.CreateCommand();
#pragma warning disable CA2100 // The texts above only.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters.AddWithValue($"${i}", values[i] ?? DBNull.Value);
        }

        return command.ExecuteNonQuery();
    }
}
