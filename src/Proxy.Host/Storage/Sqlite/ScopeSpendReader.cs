using Microsoft.Data.Sqlite;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>
/// What was spent in the current windows, in bulk: from the totals of days, and only for windows shorter than a day from the records of that time.
/// One instance a rebuild: each period is read once.
/// </summary>
internal sealed class ScopeSpendReader(SqliteConnection connection, long nowMs)
{
    private const long DayMs = 86_400_000;

    private const string PartOfDay =
        """
        WITH part AS (SELECT s.key_hash, coalesce(k.scope_id, s.key_hash) AS scope_id, s.team_id, s.user_id, s.model_asked,
            CASE WHEN s.credential = 'server' THEN s.cost_nano_usd ELSE 0 END AS company, CASE WHEN s.credential = 'server' THEN 0 ELSE s.cost_nano_usd END AS client
            FROM spend s LEFT JOIN keys k ON k.hash = s.key_hash WHERE s.started_at_ms >= $start AND s.cost_nano_usd <> 0 AND s.key_hash IS NOT NULL)
        SELECT 'key', scope_id, sum(company), sum(client) FROM part GROUP BY 2
        UNION ALL SELECT 'team', team_id, sum(company), sum(client) FROM part WHERE team_id IS NOT NULL GROUP BY 2
        UNION ALL SELECT 'user', user_id, sum(company), sum(client) FROM part WHERE user_id IS NOT NULL GROUP BY 2
        UNION ALL SELECT 'member', team_id || '/' || user_id, sum(company), sum(client) FROM part WHERE team_id IS NOT NULL AND user_id IS NOT NULL GROUP BY 2
        UNION ALL SELECT 'key_model', scope_id || '/' || model_asked, sum(company), sum(client) FROM part WHERE model_asked IS NOT NULL GROUP BY 2
        """;

    private readonly Dictionary<BudgetPeriod, Dictionary<(string Kind, string Id), (long Company, long Client)>> _read = [];

    public long Find(string kind, string id, BudgetPeriod period, bool countsClient)
    {
        if (!_read.TryGetValue(period, out Dictionary<(string Kind, string Id), (long Company, long Client)>? spent))
        {
            _read[period] = spent = Read(period);
        }

        (long company, long client) = spent.GetValueOrDefault((kind, id));
        return countsClient ? company + client : company;
    }

    private Dictionary<(string Kind, string Id), (long Company, long Client)> Read(BudgetPeriod period)
    {
        using SqliteCommand command = connection.CreateCommand();
        long start = period.StartOf(nowMs);
        if (period == BudgetPeriod.Forever)
        {
            command.CommandText = "SELECT kind, id, company_nano_usd, client_nano_usd FROM scope_total";
        }
        else if (period.IsWholeDays)
        {
            command.CommandText = "SELECT kind, id, sum(company_nano_usd), sum(client_nano_usd) FROM scope_daily WHERE day >= $start GROUP BY kind, id";
            command.Parameters.AddWithValue("$start", start / DayMs);
        }
        else
        {
            command.CommandText = PartOfDay;
            command.Parameters.AddWithValue("$start", start);
        }

        Dictionary<(string, string), (long, long)> spent = [];
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            string kind = reader.GetString(0);
            string id = reader.GetString(1);
            if (kind == "key_model" && id.EndsWith("[1m]", StringComparison.Ordinal))
            {
                id = id[..^4];
            }

            Add(spent, (kind, id), reader.GetInt64(2), reader.GetInt64(3));
            if (kind == "key_model" && ModelName.WithoutDate(id) is { } plain && plain.Length != id.Length)
            {
                // A limit on the plain name of a model covers its dated ones.
                Add(spent, (kind, plain), reader.GetInt64(2), reader.GetInt64(3));
            }
        }

        return spent;
    }

    private static void Add(Dictionary<(string, string), (long Company, long Client)> spent, (string, string) key, long company, long client)
    {
        (long companySoFar, long clientSoFar) = spent.GetValueOrDefault(key);
        spent[key] = (companySoFar + company, clientSoFar + client);
    }
}
