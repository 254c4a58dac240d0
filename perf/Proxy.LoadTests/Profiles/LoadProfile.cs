using System.Globalization;
using System.Text.Json;

namespace Proxy.LoadTests.Profiles;

/// <summary>
/// Load shapes in NBomber's own configuration format, so that the same file drives NBomber: <c>GlobalSettings.ScenariosSettings[]</c> with
/// <c>ScenarioName</c>, <c>WarmUpDuration</c> and <c>LoadSimulationsSettings</c>. Everything else in the file is NBomber's business.
/// </summary>
public static class LoadProfile
{
    private static readonly JsonDocumentOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static LoadShape Read(string path, string scenario)
    {
        try
        {
            return Parse(File.ReadAllText(path), scenario);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new LoadException($"{path}: {fault.Message}", fault);
        }
    }

    public static LoadShape Parse(string json, string scenario)
    {
        using JsonDocument document = JsonDocument.Parse(json, Options);
        List<string?> names = [];
        foreach (JsonElement settings in List(Get(Get(document.RootElement, "GlobalSettings"), "ScenariosSettings")))
        {
            string? name = Get(settings, "ScenarioName").GetString();
            names.Add(name);
            if (name == scenario)
            {
                TimeSpan warmUp = settings.TryGetProperty("WarmUpDuration", out JsonElement duration) ? Duration(duration) : TimeSpan.Zero;
                LoadStage[] stages = [.. List(Get(settings, "LoadSimulationsSettings")).Select(Stage)];
                return stages.Any(stage => stage.Copies > 0)
                    ? new LoadShape(warmUp, stages)
                    : throw new LoadException($"{scenario}: LoadSimulationsSettings has no virtual users");
            }
        }

        throw new LoadException($"the profile has no scenario {scenario}, only {string.Join(", ", names)}");
    }

    private static LoadStage Stage(JsonElement simulation)
    {
        JsonProperty[] entries = simulation.ValueKind == JsonValueKind.Object ? [.. simulation.EnumerateObject()] : [];
        if (entries is not [{ Value.ValueKind: JsonValueKind.Array } entry])
        {
            throw new LoadException($"expected one simulation, as in {{ \"KeepConstant\": [64, \"00:00:10\"] }}, not {simulation}");
        }

        JsonElement[] values = [.. entry.Value.EnumerateArray()];
        return (entry.Name, values) switch
        {
            ("KeepConstant", [JsonElement copies, JsonElement during]) => new LoadStage(Count(copies), Duration(during), Ramps: false),
            ("RampingConstant", [JsonElement copies, JsonElement during]) => new LoadStage(Count(copies), Duration(during), Ramps: true),
            ("Pause", [JsonElement during]) => new LoadStage(0, Duration(during), Ramps: false),
            // Inject and its kin open a connection at a rate, whatever the answers do; this runner has a fixed set of users.
            _ => throw new LoadException($"{entry.Name}: this runner knows KeepConstant, RampingConstant and Pause"),
        };
    }

    private static JsonElement Get(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) ? value : throw new LoadException($"{name} is missing");

    private static JsonElement.ArrayEnumerator List(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw new LoadException($"expected a list, not {value}");

    private static int Count(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count is >= 0 and <= 100_000
            ? count
            : throw new LoadException($"expected a number of virtual users, not {value}");

    private static TimeSpan Duration(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && TimeSpan.TryParse(value.GetString(), CultureInfo.InvariantCulture, out TimeSpan duration) && duration >= TimeSpan.Zero
            ? duration
            : throw new LoadException($"expected a duration such as \"00:00:10\", not {value}");
}
