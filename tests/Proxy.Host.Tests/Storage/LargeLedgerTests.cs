using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Proxy.Core.Identity;
using Proxy.Host.Composition;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Storage;

/// <summary>
/// What a large installation costs at a start. Explicit, for it writes a gigabyte and measures:
/// <c>tests/Proxy.Host.Tests/bin/Release/net10.0/Proxy.Host.Tests -explicit only -class '*LargeLedger*' -showliveoutput</c>.
/// </summary>
public sealed class LargeLedgerTests(ITestOutputHelper output) : IDisposable
{
    private const int Keys = 10_000;
    private const int Records = 5_000_000;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact(Explicit = true)]
    public void Counters_of_ten_thousand_keys_come_back_from_five_million_records()
    {
        long nowMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        using (SqliteConnection connection = LedgerDatabase.OpenOrCreate(_directory.Ledger, TimeSpan.FromSeconds(5)))
        {
            Fill(connection, nowMs);
        }

        output.WriteLine($"{Records} records, {Keys} keys, ledger of {new FileInfo(_directory.Ledger).Length >> 20} MiB");
        for (int round = 0; round < 3; round++)
        {
            PrincipalCatalog catalog = new();
            long before = GC.GetTotalMemory(forceFullCollection: true);
            Stopwatch watch = Stopwatch.StartNew();
            using SqliteConnection connection = LedgerDatabase.OpenReader(_directory.Ledger);
            IReadOnlyList<Principal> principals = catalog.Read(connection, nowMs);
            KeyTable table = KeyTable.Create(principals);
            watch.Stop();
            long bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / Keys;
            output.WriteLine($"rebuilt in {watch.ElapsedMilliseconds} ms; {bytes} bytes a key");
            Assert.Equal(Keys, table.Count);
            Assert.Equal(Keys + 100, catalog.Scopes.Count);
            Assert.InRange(bytes, 0, 2048);
            GC.KeepAlive(catalog);
        }
    }

    private static void Fill(SqliteConnection connection, long nowMs)
    {
        connection.Execute("PRAGMA synchronous = OFF");
        connection.Execute($$"""
            BEGIN;
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {{Keys - 1}})
            INSERT INTO keys (hash, scope_id, name, alias, team_id, created_at_ms, settings)
                SELECT printf('%064x', i), printf('%064x', i), 'sk-...0000', 'key-' || i, 'team-' || (i % 100), i,
                    '{"max_budget":50,"budget_duration":"30d","budget_limits":[{"max_budget":5,"budget_duration":"1d"}],"rpm_limit":60,"tpm_limit":200000}' FROM n;
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
            INSERT INTO teams (team_id, alias, created_at_ms, settings) SELECT 'team-' || i, 'Team ' || i, i, '{"max_budget":500,"budget_duration":"30d"}' FROM n;
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {{Records - 1}})
            INSERT INTO spend (id, started_at_ms, time_to_first_byte_us, duration_us, key_hash, key_alias, team_id, route, path_class, method, credential, status, end_reason, failure, refusal, flags,
                model_asked, model_served, streamed, cost_nano_usd, price_version, request_body_bytes, response_body_bytes, input_tokens, cache_read_input_tokens, cache_creation_input_tokens,
                cache_creation_5m_input_tokens, cache_creation_1h_input_tokens, output_tokens, thinking_tokens, web_search_requests, web_fetch_requests, service_tier, speed, inference_geo)
                SELECT CAST(printf('%016d', i) AS BLOB), {{nowMs}} - ({{Records}} - i) * 1555, 1, 1, printf('%064x', i % {{Keys}}), 'key-' || (i % {{Keys}}), 'team-' || (i % 100), 'anthropic', 'messages', 'post',
                    'server', 200, 'complete', 'none', 'none', 0, 'claude-sonnet-5', 'claude-sonnet-5', 1, 1000, 'p', 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 'standard', 'standard', 'global' FROM n;
            INSERT INTO scope_daily SELECT 'key', key_hash, started_at_ms / 86400000, sum(cost_nano_usd), 0 FROM spend GROUP BY 2, 3;
            INSERT INTO scope_daily SELECT 'team', team_id, started_at_ms / 86400000, sum(cost_nano_usd), 0 FROM spend GROUP BY 2, 3;
            INSERT INTO scope_daily SELECT 'key_model', key_hash || '/claude-sonnet-5', started_at_ms / 86400000, sum(cost_nano_usd), 0 FROM spend GROUP BY 2, 3;
            INSERT INTO scope_total SELECT kind, id, sum(company_nano_usd), 0 FROM scope_daily GROUP BY 1, 2;
            COMMIT;
            """);
    }
}
