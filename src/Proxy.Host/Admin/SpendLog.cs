using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>One record in the shape of LiteLLM's spend logs.</summary>
internal static class SpendLog
{
    public static JsonObject Of(SqliteDataReader row)
    {
        long started = row.GetInt64(1);
        long durationMs = row.GetInt64(2) / 1000;
        long firstByteUs = row.GetInt64(3);
        long prompt = row.GetInt64(22) + row.GetInt64(23) + row.GetInt64(24);
        long completion = row.GetInt64(27);
        bool succeeded = row.GetInt32(10) is >= 200 and <= 299 && row.GetString(11) == "complete";
        return new JsonObject
        {
            ["request_id"] = new Guid(row.GetFieldValue<byte[]>(0), bigEndian: true).ToString(),
            ["call_type"] = "pass_through_endpoint",
            ["api_key"] = row.TextOrNull(4) ?? "",
            ["spend"] = Money.ToUsd(row.GetInt64(20)),
            ["total_tokens"] = prompt + completion,
            ["prompt_tokens"] = prompt,
            ["completion_tokens"] = completion,
            ["startTime"] = Times.Iso(started),
            ["endTime"] = Times.Iso(started + durationMs),
            ["completionStartTime"] = firstByteUs < 0 ? null : Times.Iso(started + (firstByteUs / 1000)),
            ["request_duration_ms"] = durationMs,
            ["model"] = row.GetString(13),
            ["model_id"] = "",
            ["model_group"] = row.TextOrNull(14) ?? "",
            ["custom_llm_provider"] = "anthropic",
            ["api_base"] = row.GetString(30) == "messages" ? "https://api.anthropic.com/v1/messages" : "https://api.anthropic.com",
            ["user"] = row.TextOrNull(8) ?? "",
            ["cache_hit"] = "None",
            ["cache_key"] = "",
            ["request_tags"] = new JsonArray([.. TagsOf(row.TextOrNull(19)).Select(tag => (JsonNode)tag)]),
            ["team_id"] = row.TextOrNull(6),
            ["organization_id"] = null,
            ["end_user"] = "",
            ["requester_ip_address"] = "",
            ["messages"] = new JsonObject(),
            ["response"] = new JsonObject(),
            ["proxy_server_request"] = new JsonObject(),
            ["session_id"] = row.TextOrNull(17),
            ["status"] = succeeded ? "success" : "failure",
            ["mcp_namespaced_tool_name"] = null,
            ["agent_id"] = row.TextOrNull(18),
            ["metadata"] = new JsonObject
            {
                ["user_api_key"] = row.TextOrNull(4) ?? "",
                ["user_api_key_alias"] = row.TextOrNull(5),
                ["user_api_key_team_id"] = row.TextOrNull(6),
                ["user_api_key_team_alias"] = row.TextOrNull(7),
                ["user_api_key_user_id"] = row.TextOrNull(8),
                ["spend_logs_metadata"] = new JsonObject(),
            },

            // LiteLLM has no columns for these.
            ["input_tokens"] = row.GetInt64(22),
            ["cache_read_input_tokens"] = row.GetInt64(23),
            ["cache_creation_input_tokens"] = row.GetInt64(24),
            ["cache_creation_5m_input_tokens"] = row.GetInt64(25),
            ["cache_creation_1h_input_tokens"] = row.GetInt64(26),
            ["credential_source"] = row.GetString(9),
            ["http_status"] = row.GetInt32(10),
            ["end_reason"] = row.GetString(11),
            ["stream_complete"] = (row.GetInt64(12) & 1) == 0,
            ["flags"] = row.GetInt64(12),
            ["upstream_request_id"] = row.TextOrNull(15),
            ["message_id"] = row.TextOrNull(16),
            ["parent_agent_id"] = row.TextOrNull(29),
            ["batch_id"] = row.TextOrNull(28),
            ["price_version"] = row.TextOrNull(21),
        };
    }

    /// <summary>Tags as clients send them: separated by commas.</summary>
    public static IEnumerable<string> TagsOf(string? tags) => (tags ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
