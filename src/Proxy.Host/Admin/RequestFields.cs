using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Proxy.Core.Admission;
using Proxy.Host.Configuration;

namespace Proxy.Host.Admin;

/// <summary>
/// The JSON object of a request, read field by field; what is wrong is said with the field's name. Absent and null differ where a caller asks
/// (<see cref="Has"/>): an update leaves alone what is absent and clears what is null.
/// </summary>
internal sealed class RequestFields(JsonObject body)
{
    /// <summary>Of ids and names: they end in logs, labels and the journal.</summary>
    private const int MaxTextBytes = 128;

    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public bool Has(string name)
    {
        _known.Add(name);
        return body.ContainsKey(name);
    }

    public JsonNode? Node(string name)
    {
        _known.Add(name);
        return body[name];
    }

    public string? Text(string name)
    {
        JsonNode? node = Node(name);
        if (node is null)
        {
            return null;
        }

        string text = node is JsonValue value && value.TryGetValue(out string? read) ? read : throw AdminException.Invalid(name, "must be a text");
        if (text.Length == 0)
        {
            return null;
        }

        return System.Text.Encoding.UTF8.GetByteCount(text) <= MaxTextBytes && !text.Any(char.IsControl)
            ? text
            : throw AdminException.Invalid(name, $"must be printable and at most {MaxTextBytes} bytes");
    }

    public string Required(string name) => Text(name) ?? throw AdminException.Invalid(name, "is missing");

    public bool? Flag(string name) =>
        Node(name) switch
        {
            null => null,
            JsonValue value when value.TryGetValue(out bool flag) => flag,
            _ => throw AdminException.Invalid(name, "must be true or false"),
        };

    public IReadOnlyList<string> Texts(string name) =>
        Node(name) switch
        {
            null => [],
            JsonArray array => [.. array.Select(item => item is JsonValue value && value.TryGetValue(out string? text) && text.Length > 0 ? text : throw AdminException.Invalid(name, "must be a list of texts"))],
            _ => throw AdminException.Invalid(name, "must be a list of texts"),
        };

    /// <summary>USD, never negative.</summary>
    public decimal? Money(string name) => Node(name) is { } node ? MoneyOf(node, name) : null;

    public JsonObject? Object(string name) =>
        Node(name) switch
        {
            null => null,
            JsonObject read => read,
            _ => throw AdminException.Invalid(name, "must be an object"),
        };

    /// <summary>A length of time from now on, such as <c>30d</c>, as LiteLLM writes them; null for none.</summary>
    public TimeSpan? Duration(string name, DateTimeOffset now)
    {
        string? text = Text(name);
        if (text is null)
        {
            return null;
        }

        int digits = text.TakeWhile(char.IsAsciiDigit).Count();
        if (!int.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count is < 1 or > 100_000)
        {
            throw AdminException.Invalid(name, "must be a length of time such as 30s, 30m, 30h, 30d, 2w or 1mo");
        }

        return text[digits..] switch
        {
            "s" => TimeSpan.FromSeconds(count),
            "m" => TimeSpan.FromMinutes(count),
            "h" => TimeSpan.FromHours(count),
            "d" => TimeSpan.FromDays(count),
            "w" => TimeSpan.FromDays(7L * count),
            "mo" when count <= 1200 => now.AddMonths(count) - now,
            _ => throw AdminException.Invalid(name, "must be a length of time such as 30s, 30m, 30h, 30d, 2w or 1mo"),
        };
    }

    /// <summary>Refuses what nobody asked for: a misspelt limit must not be silently none.</summary>
    public void Finish()
    {
        foreach ((string name, _) in body)
        {
            if (!_known.Contains(name))
            {
                string? nearest = Suggestions.Nearest(name, _known);
                throw AdminException.Invalid(name, nearest is null ? "is not a field here" : $"is not a field here; did you mean {nearest}?");
            }
        }
    }

    public static decimal MoneyOf(JsonNode? node, string name)
    {
        decimal? amount = node?.GetValueKind() switch
        {
            JsonValueKind.Number => Read(node.ToJsonString()),
            JsonValueKind.String => Read(node.GetValue<string>()),
            _ => null,
        };
        return amount is >= 0 and <= 1_000_000_000 ? amount.Value : throw AdminException.Invalid(name, "must be an amount in USD from 0 to 1,000,000,000");

        static decimal? Read(string text) => decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) ? number : null;
    }

    public static long CountOf(JsonNode? node, string name) =>
        node?.GetValueKind() == JsonValueKind.Number && long.TryParse(node.ToJsonString(), NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            ? count
            : throw AdminException.Invalid(name, "must be a whole number from 0 on");

    public static void CheckPeriod(JsonNode? node, string name)
    {
        if (node is not null && (node is not JsonValue value || !value.TryGetValue(out string? text) || !BudgetPeriod.TryParse(text, out _)))
        {
            throw AdminException.Invalid(name, "must be a period such as 1h, 24h, 1d, 7d, 30d or 1mo");
        }
    }
}
