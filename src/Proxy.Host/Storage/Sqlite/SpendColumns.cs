namespace Proxy.Host.Storage.Sqlite;

/// <summary>The columns of the spend tables in the order in which <see cref="SpendInsert"/> binds and <see cref="LedgerReader"/> reads them.</summary>
internal static class SpendColumns
{
    public const string Usage =
        "input_tokens, cache_read_input_tokens, cache_creation_input_tokens, cache_creation_5m_input_tokens, cache_creation_1h_input_tokens, "
        + "output_tokens, thinking_tokens, web_search_requests, web_fetch_requests, service_tier, speed, inference_geo";

    public const int UsageCount = 12;

    public const string Spend =
        "id, started_at_ms, time_to_first_byte_us, duration_us, key_hash, key_alias, team_id, user_id, route, path_class, method, credential, "
        + "status, end_reason, failure, refusal, flags, model_asked, model_served, upstream_request_id, message_id, session_id, agent_id, "
        + "parent_agent_id, tags, batch_id, streamed, cost_nano_usd, price_version, request_body_bytes, response_body_bytes, " + Usage;

    public const int SpendCount = 31 + UsageCount;

    public const string Iteration = "spend_id, position, kind, model, " + Usage;

    public const int IterationCount = 4 + UsageCount;

    /// <summary>OR IGNORE: a batch whose commit was reported failed but happened is written again without harm.</summary>
    public static string Insert(string table, string columns, int count) =>
        $"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({string.Join(", ", Enumerable.Repeat("?", count))})";
}
