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
        """
        -- The batch whose result line a record is; its id is made from the batch and the line's custom_id, so that it is booked once.
        ALTER TABLE spend ADD COLUMN batch_id TEXT;
        CREATE INDEX spend_team ON spend (team_id, started_at_ms) WHERE team_id IS NOT NULL;
        CREATE INDEX spend_session ON spend (session_id, started_at_ms) WHERE session_id IS NOT NULL;

        -- What reports add up, kept by the writer in the transaction of the records. A day is the UTC day a record began on, counted from
        -- 1970-01-01. Texts that are NULL in spend are empty here, for NULL is no part of a primary key. The model is the one that served,
        -- or the one asked where nothing served.
        CREATE TABLE spend_daily (
            day INTEGER NOT NULL,
            key_hash TEXT NOT NULL,
            team_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            model TEXT NOT NULL,
            credential TEXT NOT NULL,
            requests INTEGER NOT NULL,
            failed_requests INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            cache_read_input_tokens INTEGER NOT NULL,
            cache_creation_input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cost_nano_usd INTEGER NOT NULL,
            PRIMARY KEY (day, key_hash, team_id, user_id, model, credential)
        ) STRICT, WITHOUT ROWID;

        -- What budgets are rebuilt from at a start. Kind is key, team, user, member (id: team/user) or key_model (id: key/model). The company
        -- pays what left with its server key; the client all the rest.
        CREATE TABLE scope_daily (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            day INTEGER NOT NULL,
            company_nano_usd INTEGER NOT NULL,
            client_nano_usd INTEGER NOT NULL,
            PRIMARY KEY (kind, id, day)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE scope_total (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            company_nano_usd INTEGER NOT NULL,
            client_nano_usd INTEGER NOT NULL,
            PRIMARY KEY (kind, id)
        ) STRICT, WITHOUT ROWID;

        -- An operator's correction of what a budget has counted in one of its windows (reset_spend, an import). Duration is that of the
        -- budget, empty for one that never resets; it holds as long as the window that began at window_start_ms lasts.
        CREATE TABLE budget_adjustments (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            duration TEXT NOT NULL,
            window_start_ms INTEGER NOT NULL,
            nano_usd INTEGER NOT NULL,
            PRIMARY KEY (kind, id, duration)
        ) STRICT, WITHOUT ROWID;

        -- scope_id is what counters and budgets hang on: that of the first key of a chain of rotations. Settings and metadata are JSON objects.
        ALTER TABLE keys ADD COLUMN scope_id TEXT;
        ALTER TABLE keys ADD COLUMN name TEXT;
        ALTER TABLE keys ADD COLUMN settings TEXT;
        ALTER TABLE keys ADD COLUMN replaced_by TEXT;
        ALTER TABLE keys ADD COLUMN created_by TEXT;
        ALTER TABLE keys ADD COLUMN updated_at_ms INTEGER;
        ALTER TABLE keys ADD COLUMN updated_by TEXT;
        UPDATE keys SET scope_id = hash;
        CREATE INDEX keys_alias ON keys (alias) WHERE alias IS NOT NULL;
        CREATE INDEX keys_team ON keys (team_id) WHERE team_id IS NOT NULL;
        CREATE INDEX keys_user ON keys (user_id) WHERE user_id IS NOT NULL;

        CREATE TABLE deleted_keys (
            hash TEXT NOT NULL,
            deleted_at_ms INTEGER NOT NULL,
            deleted_by TEXT NOT NULL,
            row TEXT NOT NULL,
            PRIMARY KEY (hash, deleted_at_ms)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE teams (
            team_id TEXT NOT NULL PRIMARY KEY,
            alias TEXT,
            blocked INTEGER NOT NULL DEFAULT 0,
            settings TEXT,
            metadata TEXT,
            created_at_ms INTEGER NOT NULL,
            created_by TEXT,
            updated_at_ms INTEGER,
            updated_by TEXT
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE users (
            user_id TEXT NOT NULL PRIMARY KEY,
            email TEXT,
            alias TEXT,
            role TEXT,
            blocked INTEGER NOT NULL DEFAULT 0,
            settings TEXT,
            metadata TEXT,
            created_at_ms INTEGER NOT NULL,
            created_by TEXT,
            updated_at_ms INTEGER,
            updated_by TEXT
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE team_members (
            team_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            role TEXT NOT NULL,
            max_budget_nano_usd INTEGER,
            PRIMARY KEY (team_id, user_id)
        ) STRICT, WITHOUT ROWID;

        -- Batches made through the gateway: their results are booked to the key that made them.
        CREATE TABLE batches (
            batch_id TEXT NOT NULL PRIMARY KEY,
            key_hash TEXT,
            credential TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Who changed what. Before and after are the row as the admin API shows it: never a key.
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY,
            at_ms INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            object_kind TEXT NOT NULL,
            object_id TEXT NOT NULL,
            before TEXT,
            after TEXT
        ) STRICT;
        CREATE INDEX audit_object ON audit (object_kind, object_id, id);

        -- Tells a running gateway that principals have changed, whoever changed them.
        INSERT INTO settings (name, value) VALUES ('principals_version', '1') ON CONFLICT (name) DO NOTHING;
        CREATE TRIGGER keys_insert AFTER INSERT ON keys BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER keys_update AFTER UPDATE ON keys BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER keys_delete AFTER DELETE ON keys BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER teams_insert AFTER INSERT ON teams BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER teams_update AFTER UPDATE ON teams BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER teams_delete AFTER DELETE ON teams BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER users_insert AFTER INSERT ON users BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER users_update AFTER UPDATE ON users BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER users_delete AFTER DELETE ON users BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER team_members_insert AFTER INSERT ON team_members BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER team_members_update AFTER UPDATE ON team_members BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER team_members_delete AFTER DELETE ON team_members BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER budget_adjustments_insert AFTER INSERT ON budget_adjustments BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER budget_adjustments_update AFTER UPDATE ON budget_adjustments BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        CREATE TRIGGER budget_adjustments_delete AFTER DELETE ON budget_adjustments BEGIN
            UPDATE settings SET value = value + 1 WHERE name = 'principals_version';
        END;
        """,
        """
        -- Totals of what an earlier build booked.
        INSERT INTO spend_daily SELECT
            started_at_ms / 86400000, coalesce(key_hash, ''), coalesce(team_id, ''), coalesce(user_id, ''), coalesce(model_served, model_asked, ''), credential,
            count(*), sum(CASE WHEN status BETWEEN 200 AND 299 AND end_reason = 'complete' THEN 0 ELSE 1 END), sum(input_tokens), sum(cache_read_input_tokens),
            sum(cache_creation_input_tokens), sum(output_tokens), sum(cost_nano_usd)
        FROM spend GROUP BY 1, 2, 3, 4, 5, 6;
        CREATE TEMP TABLE paid AS
            SELECT key_hash, team_id, user_id, model_asked, started_at_ms / 86400000 AS day,
                sum(CASE WHEN credential = 'server' THEN cost_nano_usd ELSE 0 END) AS company, sum(CASE WHEN credential = 'server' THEN 0 ELSE cost_nano_usd END) AS client
            FROM spend WHERE cost_nano_usd <> 0 AND key_hash IS NOT NULL GROUP BY 1, 2, 3, 4, 5;
        INSERT INTO scope_daily SELECT 'key', key_hash, day, sum(company), sum(client) FROM paid GROUP BY 2, 3;
        INSERT INTO scope_daily SELECT 'team', team_id, day, sum(company), sum(client) FROM paid WHERE team_id IS NOT NULL GROUP BY 2, 3;
        INSERT INTO scope_daily SELECT 'user', user_id, day, sum(company), sum(client) FROM paid WHERE user_id IS NOT NULL GROUP BY 2, 3;
        INSERT INTO scope_daily SELECT 'member', team_id || '/' || user_id, day, sum(company), sum(client) FROM paid WHERE team_id IS NOT NULL AND user_id IS NOT NULL GROUP BY 2, 3;
        INSERT INTO scope_daily SELECT 'key_model', key_hash || '/' || model_asked, day, sum(company), sum(client) FROM paid WHERE model_asked IS NOT NULL GROUP BY 2, 3;
        INSERT INTO scope_total SELECT kind, id, sum(company_nano_usd), sum(client_nano_usd) FROM scope_daily GROUP BY 1, 2;
        DROP TABLE paid;
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
