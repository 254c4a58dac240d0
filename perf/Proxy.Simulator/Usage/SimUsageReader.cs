using System.Text.Json;

namespace Proxy.Simulator.Usage;

/// <summary>Reads the usage object of <c>x-sim-usage</c>; strict, because a misspelt name would silently make a test say nothing.</summary>
public static class SimUsageReader
{
    public static SimUsage Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        SimUsage usage = new();
        bool totalGiven = false;
        foreach (JsonProperty property in Object(document.RootElement))
        {
            JsonElement value = property.Value;
            totalGiven |= property.Name == "cache_creation_input_tokens";
            usage = property.Name switch
            {
                "input_tokens" => usage with { InputTokens = value.GetInt64() },
                "cache_read_input_tokens" => usage with { CacheReadInputTokens = value.GetInt64() },
                "cache_creation_input_tokens" => usage with { CacheCreationInputTokens = value.GetInt64() },
                "cache_creation" => usage with
                {
                    Ephemeral5mInputTokens = Member(value, "ephemeral_5m_input_tokens"),
                    Ephemeral1hInputTokens = Member(value, "ephemeral_1h_input_tokens"),
                },
                "output_tokens" => usage with { OutputTokens = value.GetInt64() },
                "output_tokens_details" => usage with { ThinkingTokens = Member(value, "thinking_tokens") },
                "server_tool_use" => usage with
                {
                    WebSearchRequests = Member(value, "web_search_requests"),
                    WebFetchRequests = Member(value, "web_fetch_requests"),
                },
                "service_tier" => usage with { ServiceTier = value.GetString() },
                "speed" => usage with { Speed = value.GetString() },
                "inference_geo" => usage with { InferenceGeo = value.GetString() },
                "iterations" => usage with { Iterations = [.. value.EnumerateArray().Select(Iteration)] },
                _ => throw new FormatException($"unknown usage field '{property.Name}'"),
            };
        }

        return totalGiven
            ? usage
            : usage with { CacheCreationInputTokens = (usage.Ephemeral5mInputTokens ?? 0) + (usage.Ephemeral1hInputTokens ?? 0) };
    }

    private static SimIteration Iteration(JsonElement element)
    {
        SimIteration iteration = new();
        bool totalGiven = false;
        foreach (JsonProperty property in Object(element))
        {
            JsonElement value = property.Value;
            totalGiven |= property.Name == "cache_creation_input_tokens";
            iteration = property.Name switch
            {
                "type" => iteration with { Type = value.GetString() ?? "message" },
                "model" => iteration with { Model = value.GetString() },
                "input_tokens" => iteration with { InputTokens = value.GetInt64() },
                "cache_read_input_tokens" => iteration with { CacheReadInputTokens = value.GetInt64() },
                "cache_creation_input_tokens" => iteration with { CacheCreationInputTokens = value.GetInt64() },
                "cache_creation" => iteration with
                {
                    Ephemeral5mInputTokens = Member(value, "ephemeral_5m_input_tokens"),
                    Ephemeral1hInputTokens = Member(value, "ephemeral_1h_input_tokens"),
                },
                "output_tokens" => iteration with { OutputTokens = value.GetInt64() },
                _ => throw new FormatException($"unknown iteration field '{property.Name}'"),
            };
        }

        return totalGiven
            ? iteration
            : iteration with
            {
                CacheCreationInputTokens = (iteration.Ephemeral5mInputTokens ?? 0) + (iteration.Ephemeral1hInputTokens ?? 0),
            };
    }

    private static JsonElement.ObjectEnumerator Object(JsonElement element) => element.ValueKind == JsonValueKind.Object
        ? element.EnumerateObject()
        : throw new FormatException("expected a JSON object");

    private static long? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value.GetInt64() : null;
}
