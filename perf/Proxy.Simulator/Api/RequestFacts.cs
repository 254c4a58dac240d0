using System.Text.Json;

namespace Proxy.Simulator.Api;

/// <summary>What the simulator needs to know of a messages request.</summary>
internal sealed record RequestFacts(string? Model, bool Stream, string? ToolName, string? ToolInput, bool HasToolResult)
{
    public const string Marker = "use the tool";

    public static RequestFacts None { get; } = new(null, false, null, null, false);

    /// <summary>Null if the body is no JSON object.</summary>
    public static RequestFacts? Parse(ReadOnlyMemory<byte> body, string? wantedTool)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            string? model = root.TryGetProperty("model", out JsonElement name) ? name.GetString() : null;
            bool stream = root.TryGetProperty("stream", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
            (bool marked, bool result) = Conversation(root);
            if (result || !(marked || wantedTool is not null) || !root.TryGetProperty("tools", out JsonElement tools)
                || !ToolChoice.TryChoose(tools, wantedTool, out string? tool, out string? input))
            {
                return new RequestFacts(model, stream, null, null, result);
            }

            return new RequestFacts(model, stream, tool, input, false);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: JSON, but with another kind of value than the API has there.
            return null;
        }
    }

    /// <summary>Whether the user asked for the tool, and whether a tool has answered since.</summary>
    private static (bool Marked, bool Result) Conversation(JsonElement root)
    {
        bool marked = false;
        bool result = false;
        if (!root.TryGetProperty("messages", out JsonElement messages) || messages.ValueKind != JsonValueKind.Array)
        {
            return (false, false);
        }

        foreach (JsonElement message in messages.EnumerateArray())
        {
            if (!message.TryGetProperty("role", out JsonElement role) || !role.ValueEquals("user")
                || !message.TryGetProperty("content", out JsonElement content))
            {
                continue;
            }

            bool resultHere = false;
            bool markedHere = content.ValueKind == JsonValueKind.String && HasMarker(content);
            if (content.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement block in content.EnumerateArray())
                {
                    string? type = block.TryGetProperty("type", out JsonElement kind) ? kind.GetString() : null;
                    resultHere |= type == "tool_result";
                    markedHere |= type == "text" && block.TryGetProperty("text", out JsonElement text) && HasMarker(text);
                }
            }

            // A later request of the same conversation asks anew, unless it is the message that carries the result.
            result = resultHere || (result && !markedHere);
            marked |= markedHere;
        }

        return (marked, result);
    }

    private static bool HasMarker(JsonElement text) => text.GetString()!.Contains(Marker, StringComparison.OrdinalIgnoreCase);
}
