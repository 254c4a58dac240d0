using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Proxy.Host.Import;

/// <summary>
/// One row of a LiteLLM table, whichever way it came: typed JSON from PostgreSQL, or the texts of a CSV export, where arrays look like
/// <c>{a,b}</c> and JSON columns like JSON. Missing columns are null.
/// </summary>
internal sealed class ImportRow(string table, int line, IReadOnlyDictionary<string, JsonNode?> columns)
{
    public string Where => $"{table} row {line}";

    public string? Text(string column)
    {
        string? text = Find(column) switch { null => null, JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(), JsonNode other => other.ToJsonString() };
        return string.IsNullOrEmpty(text) || text == "\\N" ? null : text;
    }

    public string Required(string column) => Text(column) ?? throw new ImportException($"{Where}: {column} is missing");

    public decimal? Money(string column) => Number(column) is { } amount ? amount >= 0 ? amount : throw Bad(column, "is negative") : null;

    public long? Count(string column) => Number(column) is { } number ? number >= 0 && decimal.IsInteger(number) ? (long)number : throw Bad(column, "is no whole number") : null;

    public bool Flag(string column) => Text(column)?.ToLowerInvariant() switch
    {
        null or "false" or "f" or "0" => false,
        "true" or "t" or "1" => true,
        _ => throw Bad(column, "is neither true nor false"),
    };

    public DateTimeOffset? Time(string column)
    {
        if (Text(column) is not { } text)
        {
            return null;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time) ? time : throw Bad(column, "is no time");
    }

    public IReadOnlyList<string> Texts(string column)
    {
        if (Find(column) is JsonArray array)
        {
            return [.. array.Select(item => item?.ToString() ?? "").Where(item => item.Length > 0)];
        }

        string? text = Text(column);
        return text switch
        {
            null or "{}" or "[]" => [],
            _ when text[0] == '[' => [.. (Parse(column, text) as JsonArray ?? throw Bad(column, "is no list")).Select(item => item?.ToString() ?? "")],
            _ when text[0] == '{' && text[^1] == '}' => PostgresArray(text),
            _ => [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)],
        };
    }

    /// <summary>A JSON column; null when it is empty.</summary>
    public JsonNode? Json(string column)
    {
        JsonNode? node = Find(column);
        if (node is JsonValue value && value.GetValueKind() == JsonValueKind.String)
        {
            node = Text(column) is { } text ? Parse(column, text) : null;
        }

        return node is JsonObject { Count: 0 } or JsonArray { Count: 0 } ? null : node?.DeepClone();
    }

    private static List<string> PostgresArray(string text)
    {
        List<string> items = [];
        System.Text.StringBuilder item = new();
        bool quoted = false;
        for (int i = 1; i < text.Length - 1; i++)
        {
            char next = text[i];
            switch (next)
            {
                case '\\' when i + 1 < text.Length - 1:
                    item.Append(text[++i]);
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case ',' when !quoted:
                    items.Add(item.ToString());
                    item.Clear();
                    break;
                default:
                    item.Append(next);
                    break;
            }
        }

        items.Add(item.ToString());
        items.RemoveAll(string.IsNullOrEmpty);
        return items;
    }

    private decimal? Number(string column) =>
        Text(column) is not { } text ? null : decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) ? number : throw Bad(column, "is no number");

    private JsonNode? Parse(string column, string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            throw Bad(column, "is not JSON");
        }
    }

    private JsonNode? Find(string column) => columns.GetValueOrDefault(column);

    // Never the value: a token column may hold a key in clear.
    private ImportException Bad(string column, string problem) => new($"{Where}: {column} {problem}");
}
