using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace Proxy.Simulator.Api;

/// <summary>Picks a tool of the request and makes an input that its schema accepts.</summary>
internal static class ToolChoice
{
    private const string BashInput = """{"command":"echo sim-tool-ok","description":"Print the simulator's marker"}""";

    public static bool TryChoose(
        JsonElement tools, string? wanted, [NotNullWhen(true)] out string? name, [NotNullWhen(true)] out string? input)
    {
        name = null;
        input = null;
        if (tools.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        foreach (JsonElement tool in tools.EnumerateArray())
        {
            // Tools that run at the server have no schema; the client could not answer a call of one.
            if (!tool.TryGetProperty("input_schema", out JsonElement schema) || !tool.TryGetProperty("name", out JsonElement element))
            {
                continue;
            }

            string candidate = element.GetString() ?? "";
            bool preferred = wanted is null or "auto" or "true" ? candidate == "Bash" : candidate == wanted;
            if (preferred || name is null)
            {
                name = candidate;
                input = candidate == "Bash" ? BashInput : Minimal(schema);
            }

            if (preferred)
            {
                break;
            }
        }

        return name is not null && input is not null;
    }

    private static string Minimal(JsonElement schema)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            Value(writer, schema, depth: 0);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Value(Utf8JsonWriter writer, JsonElement schema, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth > 16)
        {
            writer.WriteStringValue("sim");
            return;
        }

        if (schema.TryGetProperty("const", out JsonElement constant))
        {
            constant.WriteTo(writer);
            return;
        }

        if (schema.TryGetProperty("enum", out JsonElement choices) && choices.GetArrayLength() > 0)
        {
            choices[0].WriteTo(writer);
            return;
        }

        foreach (string union in (ReadOnlySpan<string>)["anyOf", "oneOf"])
        {
            if (schema.TryGetProperty(union, out JsonElement options) && options.GetArrayLength() > 0)
            {
                Value(writer, options[0], depth + 1);
                return;
            }
        }

        switch (TypeOf(schema))
        {
            case "object": Object(writer, schema, depth); break;
            case "array": Array(writer, schema, depth); break;
            case "integer" or "number":
                writer.WriteNumberValue(schema.TryGetProperty("minimum", out JsonElement least) ? least.GetDecimal() : 1);
                break;
            case "boolean": writer.WriteBooleanValue(false); break;
            case "null": writer.WriteNullValue(); break;
            default:
                int length = schema.TryGetProperty("minLength", out JsonElement shortest) ? shortest.GetInt32() : 0;
                writer.WriteStringValue("sim".PadRight(length, 'm'));
                break;
        }
    }

    private static string TypeOf(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out JsonElement type))
        {
            return schema.TryGetProperty("properties", out _) ? "object" : "string";
        }

        return (type.ValueKind == JsonValueKind.Array ? type[0].GetString() : type.GetString()) ?? "string";
    }

    private static void Object(Utf8JsonWriter writer, JsonElement schema, int depth)
    {
        writer.WriteStartObject();
        if (schema.TryGetProperty("required", out JsonElement required) && schema.TryGetProperty("properties", out JsonElement properties))
        {
            foreach (JsonElement field in required.EnumerateArray())
            {
                writer.WritePropertyName(field.GetString()!);
                Value(writer, properties.TryGetProperty(field.GetString()!, out JsonElement of) ? of : default, depth + 1);
            }
        }

        writer.WriteEndObject();
    }

    private static void Array(Utf8JsonWriter writer, JsonElement schema, int depth)
    {
        writer.WriteStartArray();
        int count = schema.TryGetProperty("minItems", out JsonElement least) ? least.GetInt32() : 0;
        for (int i = 0; i < count && schema.TryGetProperty("items", out JsonElement items); i++)
        {
            Value(writer, items, depth + 1);
        }

        writer.WriteEndArray();
    }
}
