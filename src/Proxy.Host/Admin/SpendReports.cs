using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Core.Spend;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>Adds up the ledger for reports: by days from the roll-ups, by request, session and tag from the records. One read-only connection a report.</summary>
internal sealed class SpendReports(AdminContext context)
{
    /// <summary>Names as reports show them: a key is known by its hash.</summary>
    private const string Names = "LEFT JOIN keys k ON k.hash = d.key_hash LEFT JOIN teams t ON t.team_id = d.team_id";

    private const string Sums =
        "sum(requests), sum(failed_requests), sum(input_tokens), sum(cache_read_input_tokens), sum(cache_creation_input_tokens), sum(output_tokens), sum(cost_nano_usd)";

    /// <summary>Totals of the days, grouped by expressions over <c>spend_daily d</c>. Groups first, then the seven sums.</summary>
    public IReadOnlyList<SpendSum> Sum(IReadOnlyList<string> groups, SpendRange range, string where = "", params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        int count = groups.Count;
        string keys = string.Join(", ", Enumerable.Range(1, count));
        List<(string Name, object Value)> all = [("$first", range.FirstDay), ("$last", range.LastDay)];
        all.AddRange(parameters);
        return Read(
            $"SELECT {string.Join(", ", groups)}, {Sums} FROM spend_daily d {Names} WHERE day BETWEEN $first AND $last {where} GROUP BY {keys} ORDER BY sum(cost_nano_usd) DESC, {keys}",
            all,
            reader => new SpendSum(
                [.. Enumerable.Range(0, count).Select(column => reader.GetValue(column) is var value and not DBNull ? Convert.ToString(value, CultureInfo.InvariantCulture)! : "")],
                reader.GetInt64(count), reader.GetInt64(count + 1), reader.GetInt64(count + 2), reader.GetInt64(count + 3), reader.GetInt64(count + 4), reader.GetInt64(count + 5), reader.GetInt64(count + 6)));
    }

    /// <summary>Our own report (the command line's): one row a group, what the company and what clients paid apart.</summary>
    public JsonObject Report(string by, SpendRange range)
    {
        (string group, string name) = by switch
        {
            "key" => ("d.key_hash", "coalesce(k.alias, k.name, '')"),
            "team" => ("d.team_id", "coalesce(t.alias, '')"),
            "user" => ("d.user_id", "''"),
            "model" => ("d.model", "''"),
            "payer" => ("d.credential", "''"),
            "day" => ("date(d.day * 86400, 'unixepoch')", "''"),
            "session" => ("", ""),
            _ => throw AdminException.Invalid("by", "must be key, team, user, model, session, payer or day"),
        };
        IEnumerable<SpendSum> rows = by == "session" ? BySession(range) : Sum([group, name, "d.credential"], range);
        JsonArray result = [];
        IEnumerable<IGrouping<(string Key, string Name), SpendSum>> groups = rows.GroupBy(row => (row.Groups[0], row.Groups[1]));
        groups = by == "day" ? groups.OrderBy(one => one.Key.Key, StringComparer.Ordinal) : groups.OrderByDescending(one => one.Sum(row => row.Cost)).ThenBy(one => one.Key.Key, StringComparer.Ordinal);
        foreach (IGrouping<(string Key, string Name), SpendSum> one in groups)
        {
            long company = one.Where(row => row.Groups[2] == "server").Sum(row => row.Cost);
            long cost = one.Sum(row => row.Cost);
            result.Add((JsonNode)new JsonObject
            {
                ["group"] = one.Key.Key,
                ["name"] = one.Key.Name,
                ["requests"] = one.Sum(row => row.Requests),
                ["failed"] = one.Sum(row => row.Failed),
                ["input_tokens"] = one.Sum(row => row.Input),
                ["cache_read_tokens"] = one.Sum(row => row.CacheRead),
                ["cache_write_tokens"] = one.Sum(row => row.CacheWrite),
                ["output_tokens"] = one.Sum(row => row.Output),
                ["cost_usd"] = Money.ToUsd(cost),
                ["company_usd"] = Money.ToUsd(company),
                ["client_usd"] = Money.ToUsd(cost - company),
            });
        }

        return new JsonObject { ["by"] = by, ["since"] = SpendRange.Text(range.FirstDay), ["until"] = SpendRange.Text(Math.Min(range.LastDay, context.NowMs / SpendRange.DayMs)), ["rows"] = result };
    }

    /// <summary>Every column of a record, by the ledger's own list; read by name.</summary>
    private static readonly string LogColumns = string.Join(", ", SpendColumns.All.Select(static column => "s." + column.Name));

    /// <summary>Records as LiteLLM's spend logs (litellm-compat.md §3.5), newest first, with what LiteLLM has no columns for.</summary>
    public JsonArray Logs(string where, IReadOnlyList<(string Name, object Value)> parameters, int limit, int offset) => new(
    [
        .. Read(
            $"""
            SELECT {LogColumns}, t.alias AS team_alias
            FROM spend s LEFT JOIN teams t ON t.team_id = s.team_id {where} ORDER BY s.started_at_ms DESC, s.id DESC LIMIT {limit} OFFSET {offset}
            """,
            parameters,
            SpendLog.Of),
    ]);

    public long CountLogs(string where, IReadOnlyList<(string Name, object Value)> parameters) => Read($"SELECT count(*) FROM spend s {where}", parameters, static reader => reader.GetInt64(0))[0];

    /// <summary>Each tag of <c>x-litellm-tags</c> or a key's own, by itself.</summary>
    public IReadOnlyList<(string Tag, long Count, long Cost)> ByTag(SpendRange range)
    {
        Dictionary<string, (long Count, long Cost)> byTag = new(StringComparer.Ordinal);
        List<(string Name, object Value)> parameters = [("$start", range.StartMs), ("$end", range.EndMs)];
        foreach ((string tags, long count, long cost) in Read(
            "SELECT tags, count(*), sum(cost_nano_usd) FROM spend WHERE tags IS NOT NULL AND started_at_ms >= $start AND started_at_ms < $end GROUP BY tags",
            parameters,
            static reader => (reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2))))
        {
            foreach (string tag in SpendLog.TagsOf(tags))
            {
                (long countSoFar, long costSoFar) = byTag.GetValueOrDefault(tag);
                byTag[tag] = (countSoFar + count, costSoFar + cost);
            }
        }

        return [.. byTag.Select(entry => (entry.Key, entry.Value.Count, entry.Value.Cost)).OrderByDescending(entry => entry.Cost).ThenBy(entry => entry.Key, StringComparer.Ordinal)];
    }

    public JsonArray Audit(int limit) => new(
    [
        .. Read("SELECT id, at_ms, actor, action, object_kind, object_id, before, after FROM audit ORDER BY id DESC LIMIT $limit", [("$limit", limit)], static reader => new JsonObject
        {
            ["id"] = reader.GetInt64(0),
            ["updated_at"] = Times.Iso(reader.GetInt64(1)),
            ["changed_by"] = reader.GetString(2),
            ["action"] = reader.GetString(3),
            ["table_name"] = reader.GetString(4),
            ["object_id"] = reader.GetString(5),
            ["before_value"] = JsonNode.Parse(reader.TextOrNull(6) ?? "null"),
            ["updated_values"] = JsonNode.Parse(reader.TextOrNull(7) ?? "null"),
        }),
    ]);

    private IReadOnlyList<SpendSum> BySession(SpendRange range) => Read(
        """
        SELECT coalesce(session_id, ''), '', credential, count(*), sum(CASE WHEN status BETWEEN 200 AND 299 AND end_reason = 'complete' THEN 0 ELSE 1 END), sum(input_tokens),
            sum(cache_read_input_tokens), sum(cache_creation_input_tokens), sum(output_tokens), sum(cost_nano_usd)
        FROM spend WHERE started_at_ms >= $start AND started_at_ms < $end GROUP BY 1, 3
        """,
        [("$start", range.StartMs), ("$end", range.EndMs)],
        static reader => new SpendSum(
            [reader.GetString(0), reader.GetString(1), reader.GetString(2)],
            reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6), reader.GetInt64(7), reader.GetInt64(8), reader.GetInt64(9)));

    private List<T> Read<T>(string sql, IReadOnlyList<(string Name, object Value)> parameters, Func<SqliteDataReader, T> make)
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(context.LedgerPath);
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Put together of this folder's constants; what a caller sends is a parameter.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
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
