using System.Text.Json;
using Proxy.Simulator.Scripting;

namespace Proxy.Simulator.Usage;

/// <summary>Writes usage the way each place of an answer has it: the table in the API's usage section.</summary>
internal static class SimUsageWriter
{
    /// <summary>The object of a JSON answer, or of <c>message_start</c> if <paramref name="usage"/> is the view at the start.</summary>
    public static void WriteMessage(Utf8JsonWriter writer, SimUsage usage, bool final)
    {
        writer.WriteStartObject();
        writer.WriteNumber("input_tokens"u8, usage.InputTokens);
        writer.WriteNumber("cache_creation_input_tokens"u8, usage.CacheCreationInputTokens);
        writer.WriteNumber("cache_read_input_tokens"u8, usage.CacheReadInputTokens);
        Split(writer, usage.Ephemeral5mInputTokens, usage.Ephemeral1hInputTokens);
        writer.WriteNumber("output_tokens"u8, usage.OutputTokens);
        if (final)
        {
            Thinking(writer, usage);
        }

        ServerTools(writer, usage);
        Text(writer, "service_tier", usage.ServiceTier);
        Text(writer, "speed", usage.Speed);
        Text(writer, "inference_geo", usage.InferenceGeo);
        Iterations(writer, usage.Iterations);
        writer.WriteEndObject();
    }

    /// <summary>The object of <c>message_delta</c>: never the 5m/1h split, tier, speed or geography.</summary>
    public static void WriteDelta(Utf8JsonWriter writer, SimUsage usage, SimDeltaUsage style)
    {
        writer.WriteStartObject();
        switch (style)
        {
            case SimDeltaUsage.Full:
                writer.WriteNumber("input_tokens"u8, usage.InputTokens);
                writer.WriteNumber("cache_creation_input_tokens"u8, usage.CacheCreationInputTokens);
                writer.WriteNumber("cache_read_input_tokens"u8, usage.CacheReadInputTokens);
                break;
            case SimDeltaUsage.Null:
                writer.WriteNull("input_tokens"u8);
                writer.WriteNull("cache_creation_input_tokens"u8);
                writer.WriteNull("cache_read_input_tokens"u8);
                break;
            default:
                break;
        }

        writer.WriteNumber("output_tokens"u8, usage.OutputTokens);
        Thinking(writer, usage);
        if (style == SimDeltaUsage.Null && usage.WebSearchRequests is null && usage.WebFetchRequests is null)
        {
            writer.WriteNull("server_tool_use"u8);
        }

        ServerTools(writer, usage);
        Iterations(writer, usage.Iterations);
        writer.WriteEndObject();
    }

    /// <summary>Everything that is known, under the API's names: the truth table's form.</summary>
    public static void WriteTruth(Utf8JsonWriter writer, SimUsage? usage)
    {
        if (usage is null)
        {
            writer.WriteNullValue();
            return;
        }

        WriteMessage(writer, usage, final: true);
    }

    private static void Split(Utf8JsonWriter writer, long? fiveMinutes, long? oneHour)
    {
        if (fiveMinutes is null && oneHour is null)
        {
            return;
        }

        writer.WriteStartObject("cache_creation"u8);
        Number(writer, "ephemeral_5m_input_tokens", fiveMinutes);
        Number(writer, "ephemeral_1h_input_tokens", oneHour);
        writer.WriteEndObject();
    }

    private static void Thinking(Utf8JsonWriter writer, SimUsage usage)
    {
        if (usage.ThinkingTokens is long tokens)
        {
            writer.WriteStartObject("output_tokens_details"u8);
            writer.WriteNumber("thinking_tokens"u8, tokens);
            writer.WriteEndObject();
        }
    }

    private static void ServerTools(Utf8JsonWriter writer, SimUsage usage)
    {
        if (usage.WebSearchRequests is null && usage.WebFetchRequests is null)
        {
            return;
        }

        writer.WriteStartObject("server_tool_use"u8);
        Number(writer, "web_search_requests", usage.WebSearchRequests);
        Number(writer, "web_fetch_requests", usage.WebFetchRequests);
        writer.WriteEndObject();
    }

    private static void Iterations(Utf8JsonWriter writer, IReadOnlyList<SimIteration>? iterations)
    {
        if (iterations is null)
        {
            return;
        }

        writer.WriteStartArray("iterations"u8);
        foreach (SimIteration iteration in iterations)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, iteration.Type);
            Text(writer, "model", iteration.Model);
            writer.WriteNumber("input_tokens"u8, iteration.InputTokens);
            writer.WriteNumber("cache_creation_input_tokens"u8, iteration.CacheCreationInputTokens);
            writer.WriteNumber("cache_read_input_tokens"u8, iteration.CacheReadInputTokens);
            Split(writer, iteration.Ephemeral5mInputTokens, iteration.Ephemeral1hInputTokens);
            writer.WriteNumber("output_tokens"u8, iteration.OutputTokens);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Number(Utf8JsonWriter writer, string name, long? value)
    {
        if (value is long number)
        {
            writer.WriteNumber(name, number);
        }
    }

    private static void Text(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }
}
