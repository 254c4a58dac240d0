using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>One record in the shape of LiteLLM's spend logs.</summary>
internal static class SpendLog
{
    public static JsonObject Of(SqliteDataReader row)
    {
        long started = row.Long("started_at_ms");
        long durationMs = row.Long("duration_us") / 1000;
        long firstByteUs = row.Long("time_to_first_byte_us");
        long prompt = row.Long("input_tokens") + row.Long("cache_read_input_tokens") + row.Long("cache_creation_input_tokens");
        long completion = row.Long("output_tokens");
        bool succeeded = row.Long("status") is >= 200 and <= 299 && row.Text("end_reason") == "complete";
        return new JsonObject
        {
            ["request_id"] = new Guid(row.GetFieldValue<byte[]>(row.GetOrdinal("id")), bigEndian: true).ToString(),
            ["call_type"] = "pass_through_endpoint",
            ["api_key"] = row.Text("key_hash") ?? "",
            ["spend"] = Money.ToUsd(row.Long("cost_nano_usd")),
            ["total_tokens"] = prompt + completion,
            ["prompt_tokens"] = prompt,
            ["completion_tokens"] = completion,
            ["startTime"] = Times.Iso(started),
            ["endTime"] = Times.Iso(started + durationMs),
            ["completionStartTime"] = firstByteUs < 0 ? null : Times.Iso(started + (firstByteUs / 1000)),
            ["request_duration_ms"] = durationMs,
            ["model"] = row.Text("model_served") ?? row.Text("model_asked") ?? "",
            ["model_id"] = "",
            ["model_group"] = row.Text("model_asked") ?? "",
            ["custom_llm_provider"] = "anthropic",
            ["api_base"] = row.Text("path_class") == "messages" ? "https://api.anthropic.com/v1/messages" : "https://api.anthropic.com",
            ["user"] = row.Text("user_id") ?? "",
            ["cache_hit"] = "None",
            ["cache_key"] = "",
            ["request_tags"] = new JsonArray([.. TagsOf(row.Text("tags")).Select(tag => (JsonNode)tag)]),
            ["team_id"] = row.Text("team_id"),
            ["organization_id"] = null,
            ["end_user"] = "",
            ["requester_ip_address"] = "",
            ["messages"] = new JsonObject(),
            ["response"] = new JsonObject(),
            ["proxy_server_request"] = new JsonObject(),
            ["session_id"] = row.Text("session_id"),
            ["status"] = succeeded ? "success" : "failure",
            ["mcp_namespaced_tool_name"] = null,
            ["agent_id"] = row.Text("agent_id"),
            ["metadata"] = new JsonObject
            {
                ["user_api_key"] = row.Text("key_hash") ?? "",
                ["user_api_key_alias"] = row.Text("key_alias"),
                ["user_api_key_team_id"] = row.Text("team_id"),
                ["user_api_key_team_alias"] = row.Text("team_alias"),
                ["user_api_key_user_id"] = row.Text("user_id"),
                ["spend_logs_metadata"] = new JsonObject(),
            },

            // LiteLLM has no columns for these.
            ["input_tokens"] = row.Long("input_tokens"),
            ["cache_read_input_tokens"] = row.Long("cache_read_input_tokens"),
            ["cache_creation_input_tokens"] = row.Long("cache_creation_input_tokens"),
            ["cache_creation_5m_input_tokens"] = row.Long("cache_creation_5m_input_tokens"),
            ["cache_creation_1h_input_tokens"] = row.Long("cache_creation_1h_input_tokens"),
            ["credential_source"] = row.Text("credential"),
            ["http_status"] = row.Long("status"),
            ["end_reason"] = row.Text("end_reason"),
            ["stream_complete"] = (row.Long("flags") & 1) == 0,
            ["flags"] = row.Long("flags"),
            ["upstream_request_id"] = row.Text("upstream_request_id"),
            ["message_id"] = row.Text("message_id"),
            ["parent_agent_id"] = row.Text("parent_agent_id"),
            ["batch_id"] = row.Text("batch_id"),
            ["price_version"] = row.Text("price_version"),
        };
    }

    /// <summary>Tags as clients send them: separated by commas.</summary>
    public static IEnumerable<string> TagsOf(string? tags) => (tags ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
