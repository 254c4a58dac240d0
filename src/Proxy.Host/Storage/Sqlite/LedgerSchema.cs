using Microsoft.Data.Sqlite;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>The tables, as an ordered list of migrations: entry n takes a database from <c>user_version</c> n to n + 1. Entries are never edited once released.</summary>
internal static class LedgerSchema
{
    private static readonly string[] Migrations =
    [
        """
        -- Ids are version 7 UUIDs, big-endian: in the order of time, so that inserts append to the one b-tree.
        CREATE TABLE spend (
            id BLOB NOT NULL PRIMARY KEY,
            started_at_ms INTEGER NOT NULL,
            time_to_first_byte_us INTEGER NOT NULL,
            duration_us INTEGER NOT NULL,
            key_hash TEXT,
            key_alias TEXT,
            team_id TEXT,
            user_id TEXT,
            route TEXT,
            path_class TEXT NOT NULL,
            method TEXT NOT NULL,
            credential TEXT NOT NULL,
            status INTEGER NOT NULL,
            end_reason TEXT NOT NULL,
            failure TEXT NOT NULL,
            refusal TEXT NOT NULL,
            flags INTEGER NOT NULL,
            model_asked TEXT,
            model_served TEXT,
            upstream_request_id TEXT,
            message_id TEXT,
            session_id TEXT,
            agent_id TEXT,
            parent_agent_id TEXT,
            tags TEXT,
            streamed INTEGER NOT NULL,
            cost_nano_usd INTEGER NOT NULL,
            price_version TEXT,
            request_body_bytes INTEGER NOT NULL,
            response_body_bytes INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            cache_read_input_tokens INTEGER NOT NULL,
            cache_creation_input_tokens INTEGER NOT NULL,
            cache_creation_5m_input_tokens INTEGER NOT NULL,
            cache_creation_1h_input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            thinking_tokens INTEGER NOT NULL,
            web_search_requests INTEGER NOT NULL,
            web_fetch_requests INTEGER NOT NULL,
            service_tier TEXT NOT NULL,
            speed TEXT NOT NULL,
            inference_geo TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX spend_started_at ON spend (started_at_ms);
        CREATE INDEX spend_key ON spend (key_hash, started_at_ms);

        CREATE TABLE spend_iterations (
            spend_id BLOB NOT NULL,
            position INTEGER NOT NULL,
            kind TEXT NOT NULL,
            model TEXT,
            input_tokens INTEGER NOT NULL,
            cache_read_input_tokens INTEGER NOT NULL,
            cache_creation_input_tokens INTEGER NOT NULL,
            cache_creation_5m_input_tokens INTEGER NOT NULL,
            cache_creation_1h_input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            thinking_tokens INTEGER NOT NULL,
            web_search_requests INTEGER NOT NULL,
            web_fetch_requests INTEGER NOT NULL,
            service_tier TEXT NOT NULL,
            speed TEXT NOT NULL,
            inference_geo TEXT NOT NULL,
            PRIMARY KEY (spend_id, position)
        ) STRICT, WITHOUT ROWID;

        -- A key is known by its SHA-256 alone (LiteLLM's format: 64 lower-case hexadecimal digits).
        CREATE TABLE keys (
            hash TEXT NOT NULL PRIMARY KEY,
            alias TEXT,
            team_id TEXT,
            user_id TEXT,
            blocked INTEGER NOT NULL DEFAULT 0,
            expires_at_ms INTEGER,
            created_at_ms INTEGER NOT NULL,
            metadata TEXT
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE settings (
            name TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
    ];

    public static int Version => Migrations.Length;

    /// <summary>Brings the database to <see cref="Version"/>, one transaction a step.</summary>
    /// <exception cref="LedgerException">A newer build wrote it.</exception>
    public static void Migrate(SqliteConnection connection)
    {
        long version = ReadVersion(connection);
        if (version > Version)
        {
            throw new LedgerException(
                $"the ledger {connection.DataSource} has schema version {version} and this build knows versions up to {Version}: "
                + "run the newer build again, or restore the backup made before it ran");
        }

        while (version < Version)
        {
            // Immediate, and the version read again inside: another process may be migrating the same file.
            using SqliteTransaction transaction = connection.BeginTransaction(deferred: false);
            version = ReadVersion(connection);
            if (version < Version)
            {
                connection.Execute($"{Migrations[version]}\nPRAGMA user_version = {version + 1};");
                version++;
            }

            transaction.Commit();
        }
    }

    private static long ReadVersion(SqliteConnection connection) => connection.ReadLong("PRAGMA user_version");
}
