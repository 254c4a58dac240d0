using System.Text.Json;
using System.Text.Json.Nodes;

namespace Proxy.Host.Cli;

/// <summary>Fields of the admin API's answers as people read them.</summary>
internal static class Fields
{
    public static string Text(JsonNode? row, string name) => row?[name]?.ToString() ?? "";

    public static string Usd(JsonNode? row, string name) => row?[name] is { } value ? Table.Usd(value.GetValue<decimal>()) : "";

    public static string Budget(JsonNode? row) =>
        row?["max_budget"] is null ? "" : $"{Usd(row, "max_budget")}{(row["budget_duration"] is { } period ? "/" + period : "")}";

    /// <summary>One field a line; what is not set is left out.</summary>
    public static async Task<int> ShowAsync(JsonObject row, CommandContext context, bool json)
    {
        if (json)
        {
            await context.Output.WriteLineAsync(row.ToJsonString());
            return ExitCode.Ok;
        }

        List<KeyValuePair<string, JsonNode?>> set = [.. row.Where(field => !IsEmpty(field.Value) && field.Key is not ("token_id" or "key"))];
        int width = set.Max(field => field.Key.Length);
        foreach ((string name, JsonNode? value) in set)
        {
            await context.Output.WriteLineAsync($"{name.PadRight(width)}  {(value!.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString())}");
        }

        return ExitCode.Ok;
    }

    private static bool IsEmpty(JsonNode? value) => value is null or JsonArray { Count: 0 } or JsonObject { Count: 0 };
}
