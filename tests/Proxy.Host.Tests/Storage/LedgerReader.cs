using Microsoft.Data.Sqlite;
using Proxy.Host.Storage.Sqlite;
using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Host.Tests.Storage;

/// <summary>Reads the ledger through connections of its own, one a call: never in the writer's way.</summary>
internal sealed class LedgerReader(string path)
{
    /// <summary>All records in the order of their ids, which is that of their beginning.</summary>
    public IReadOnlyList<SpendRow> ReadAll()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT {SpendColumns.Names} FROM spend ORDER BY id";
        return Read(connection, command);
    }

    public SpendRow? Find(Guid id)
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT {SpendColumns.Names} FROM spend WHERE id = $id";
        command.Parameters.AddWithValue("$id", id.ToByteArray(bigEndian: true));
        IReadOnlyList<SpendRow> rows = Read(connection, command);
        return rows.Count == 0 ? null : rows[0];
    }

    public long Count()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(path);
        return connection.ReadLong("SELECT count(*) FROM spend");
    }

    public IReadOnlyList<KeyTotals> TotalsByKey()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText =
            "SELECT key_hash, count(*), sum(input_tokens), sum(cache_read_input_tokens), sum(cache_creation_input_tokens), sum(output_tokens), "
            + "sum(cost_nano_usd) FROM spend GROUP BY key_hash ORDER BY key_hash";
        List<KeyTotals> totals = [];
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            totals.Add(new KeyTotals(
                reader.TextOrNull(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6)));
        }

        return totals;
    }

    private static List<SpendRow> Read(SqliteConnection connection, SqliteCommand command)
    {
        List<SpendRow> rows = [];
        using (SqliteDataReader reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                rows.Add(ReadRow(reader));
            }
        }

        using SqliteCommand iterations = connection.CreateCommand();
        iterations.CommandText = $"SELECT {SpendInsert.IterationColumns} FROM spend_iterations WHERE spend_id = $id ORDER BY position";
        SqliteParameter id = iterations.Parameters.Add("$id", SqliteType.Blob);
        for (int i = 0; i < rows.Count; i++)
        {
            id.Value = rows[i].Id.ToByteArray(bigEndian: true);
            List<IterationRow> found = [];
            using SqliteDataReader reader = iterations.ExecuteReader();
            while (reader.Read())
            {
                found.Add(new IterationRow(EnumNames<IterationKind>.Parse(reader.GetString(2)), reader.TextOrNull(3) ?? "", ReadUsage(reader, 4)));
            }

            rows[i] = rows[i] with { Iterations = found };
        }

        return rows;
    }

    private static SpendRow ReadRow(SqliteDataReader reader) => new()
    {
        Id = new Guid(reader.GetFieldValue<byte[]>(0), bigEndian: true),
        StartedAtUnixMs = reader.GetInt64(1),
        TimeToFirstByteUs = reader.GetInt64(2),
        DurationUs = reader.GetInt64(3),
        KeyHash = reader.TextOrNull(4),
        KeyAlias = reader.TextOrNull(5),
        TeamId = reader.TextOrNull(6),
        UserId = reader.TextOrNull(7),
        Route = reader.TextOrNull(8) ?? "",
        PathClass = EnumNames<PathClass>.Parse(reader.GetString(9)),
        Method = EnumNames<MethodId>.Parse(reader.GetString(10)),
        Credential = EnumNames<CredentialKind>.Parse(reader.GetString(11)),
        Status = reader.GetInt32(12),
        EndReason = EnumNames<EndReason>.Parse(reader.GetString(13)),
        Failure = EnumNames<ForwardFailure>.Parse(reader.GetString(14)),
        Refusal = EnumNames<RefusalReason>.Parse(reader.GetString(15)),
        Flags = (SpendFlags)reader.GetInt64(16),
        ModelAsked = reader.TextOrNull(17) ?? "",
        ModelServed = reader.TextOrNull(18) ?? "",
        UpstreamRequestId = reader.TextOrNull(19) ?? "",
        MessageId = reader.TextOrNull(20) ?? "",
        SessionId = reader.TextOrNull(21) ?? "",
        AgentId = reader.TextOrNull(22) ?? "",
        ParentAgentId = reader.TextOrNull(23) ?? "",
        Tags = reader.TextOrNull(24) ?? "",
        BatchId = reader.TextOrNull(25) ?? "",
        Streamed = reader.GetInt64(26) != 0,
        CostNanoUsd = reader.GetInt64(27),
        PriceVersion = reader.TextOrNull(28) ?? "",
        RequestBodyBytes = reader.GetInt64(29),
        ResponseBodyBytes = reader.GetInt64(30),
        Usage = ReadUsage(reader, 31),
    };

    private static UsageCounters ReadUsage(SqliteDataReader reader, int first) => new()
    {
        InputTokens = reader.GetInt64(first),
        CacheReadInputTokens = reader.GetInt64(first + 1),
        CacheCreationInputTokens = reader.GetInt64(first + 2),
        CacheCreation5mInputTokens = reader.GetInt64(first + 3),
        CacheCreation1hInputTokens = reader.GetInt64(first + 4),
        OutputTokens = reader.GetInt64(first + 5),
        ThinkingTokens = reader.GetInt64(first + 6),
        WebSearchRequests = reader.GetInt64(first + 7),
        WebFetchRequests = reader.GetInt64(first + 8),
        ServiceTier = EnumNames<ServiceTier>.Parse(reader.GetString(first + 9)),
        Speed = EnumNames<Speed>.Parse(reader.GetString(first + 10)),
        InferenceGeo = EnumNames<InferenceGeo>.Parse(reader.GetString(first + 11)),
    };
}
