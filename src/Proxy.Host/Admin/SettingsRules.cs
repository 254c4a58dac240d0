using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Proxy.Host.Admin;

/// <summary>
/// The settings of keys, teams and users that a request may carry: those the gateway acts upon, those it only keeps (LiteLLM's users send them and
/// read them again), and those whose absence here would weaken a limit, which are refused unless they say nothing.
/// </summary>
internal static class SettingsRules
{
    private static readonly Dictionary<string, Action<JsonNode, string>> ActedUpon = new(StringComparer.Ordinal)
    {
        ["models"] = Texts,
        ["tags"] = Texts,
        ["workspace_access"] = Workspace,
        ["max_budget"] = Money,
        ["soft_budget"] = Money,
        ["team_member_budget"] = Money,
        ["temp_budget_increase"] = Money,
        ["temp_budget_expiry"] = Date,
        ["budget_duration"] = RequestFields.CheckPeriod,
        ["budget_limits"] = BudgetLimits,
        ["tpm_limit"] = Count,
        ["rpm_limit"] = Count,
        ["max_parallel_requests"] = SmallCount,
        ["model_tpm_limit"] = ModelCounts,
        ["model_rpm_limit"] = ModelCounts,
        ["model_max_budget"] = ModelBudgets,
        ["count_client_spend"] = Flag,
        ["reserve"] = Reserve,
    };

    private static readonly HashSet<string> Kept = new(StringComparer.Ordinal)
    {
        "organization_id", "project_id", "agent_id", "config", "permissions", "policies", "prompts", "access_group_ids", "rpm_limit_type", "tpm_limit_type",
        "rotation_interval", "send_invite_email", "router_settings", "admins", "team_member_permissions", "team_member_key_duration", "default_team_member_models",
        "allowed_passthrough_routes", "key_type", "allowed_routes",
    };

    private static readonly HashSet<string> RefusedUnlessEmpty = new(StringComparer.Ordinal)
    {
        "aliases", "model_aliases", "enforced_params", "guardrails", "allowed_cache_controls", "object_permission", "tpd_limit", "budget_id", "auto_rotate",
    };

    private static readonly HashSet<string> LlmRoutes = new(StringComparer.Ordinal) { "llm_api_routes", "pass_through_routes", "/anthropic/*", "/anthropic" };

    /// <summary>Takes over what the request says about settings: absent ones stay, null ones go.</summary>
    /// <returns>The JSON to store; null when nothing is set.</returns>
    public static string? Merge(string? stored, RequestFields request)
    {
        JsonObject settings = Parse(stored);
        foreach ((string name, Action<JsonNode, string> check) in ActedUpon)
        {
            Take(settings, request, name, check);
        }

        foreach (string name in Kept)
        {
            Take(settings, request, name, CheckKept);
        }

        foreach (string name in RefusedUnlessEmpty)
        {
            if (!IsEmpty(request.Node(name)))
            {
                throw AdminException.Invalid(name, "is not supported here, and a request that it should stop would pass: leave it out");
            }
        }

        if (settings.ContainsKey("temp_budget_increase") != settings.ContainsKey("temp_budget_expiry"))
        {
            throw AdminException.Invalid("temp_budget_expiry", "temp_budget_increase and temp_budget_expiry go together");
        }

        return settings.Count == 0 ? null : settings.ToJsonString();
    }

    /// <summary>The fields that are acted upon and their JSON types, for the API's document.</summary>
    public static IEnumerable<(string Name, JsonSchemaType Type)> Describe()
    {
        foreach ((string name, Action<JsonNode, string> check) in ActedUpon)
        {
            JsonSchemaType type = check == Texts || check == Workspace || check == BudgetLimits ? JsonSchemaType.Array
                : check == Money ? JsonSchemaType.Number
                : check == Count || check == SmallCount ? JsonSchemaType.Integer
                : check == Flag ? JsonSchemaType.Boolean
                : check == ModelCounts || check == ModelBudgets ? JsonSchemaType.Object
                : JsonSchemaType.String;
            yield return (name, type);
        }

        foreach (string name in new[] { "key", "key_alias", "duration", "team_id", "team_alias", "user_id", "user_email", "user_role" })
        {
            yield return (name, JsonSchemaType.String);
        }

        yield return ("blocked", JsonSchemaType.Boolean);
        yield return ("metadata", JsonSchemaType.Object);
    }

    public static JsonObject Parse(string? stored) => string.IsNullOrEmpty(stored) ? [] : JsonNode.Parse(stored) as JsonObject ?? [];

    private static void Take(JsonObject settings, RequestFields request, string name, Action<JsonNode, string> check)
    {
        if (!request.Has(name))
        {
            return;
        }

        JsonNode? value = request.Node(name);
        if (value is null || value is JsonArray { Count: 0 } or JsonObject { Count: 0 })
        {
            settings.Remove(name);
            return;
        }

        check(value, name);
        settings[name] = name == "temp_budget_expiry" ? Times.Iso(Times.Parse(value.GetValue<string>())!.Value) : value.DeepClone();
    }

    private static void CheckKept(JsonNode value, string name)
    {
        switch (name)
        {
            case "key_type" when value.GetValueKind() != JsonValueKind.String || value.GetValue<string>() is not ("llm_api" or "default"):
                throw AdminException.Invalid(name, "must be llm_api or default: virtual keys reach no management route here");
            case "allowed_routes" or "allowed_passthrough_routes" when value is not JsonArray routes || routes.Any(route => route?.GetValueKind() != JsonValueKind.String || !LlmRoutes.Contains(route.GetValue<string>())):
                throw AdminException.Invalid(name, $"only {string.Join(", ", LlmRoutes)} can be allowed: narrower lists are not supported here");
        }
    }

    private static bool IsEmpty(JsonNode? value) => value switch
    {
        null => true,
        JsonArray array => array.Count == 0,
        JsonObject read => read.Count == 0,
        _ => value.GetValueKind() == JsonValueKind.False,
    };

    private static void Texts(JsonNode value, string name)
    {
        if (value is not JsonArray array || array.Any(item => item?.GetValueKind() != JsonValueKind.String || item.GetValue<string>() is not { Length: > 0 and <= 128 }))
        {
            throw AdminException.Invalid(name, "must be a list of texts of up to 128 characters");
        }
    }

    private static void Workspace(JsonNode value, string name)
    {
        Texts(value, name);
        foreach (JsonNode? item in value.AsArray())
        {
            if (!Composition.WorkspaceNames.TryParse(item!.GetValue<string>(), out _))
            {
                throw AdminException.Invalid(name, $"may hold {Composition.WorkspaceNames.All}");
            }
        }
    }

    private static void Money(JsonNode value, string name) => RequestFields.MoneyOf(value, name);

    private static void Count(JsonNode value, string name) => RequestFields.CountOf(value, name);

    private static void SmallCount(JsonNode value, string name)
    {
        if (RequestFields.CountOf(value, name) > int.MaxValue)
        {
            throw AdminException.Invalid(name, "is too large");
        }
    }

    private static void Flag(JsonNode value, string name)
    {
        if (value.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False))
        {
            throw AdminException.Invalid(name, "must be true or false");
        }
    }

    private static void Date(JsonNode value, string name)
    {
        if (value.GetValueKind() != JsonValueKind.String || Times.Parse(value.GetValue<string>()) is null)
        {
            throw AdminException.Invalid(name, "must be a UTC date or time such as 2026-12-31 or 2026-12-31T18:00:00Z");
        }
    }

    private static void BudgetLimits(JsonNode value, string name)
    {
        if (value is not JsonArray limits)
        {
            throw AdminException.Invalid(name, "must be a list of {\"budget_duration\", \"max_budget\", \"reserve\"}");
        }

        foreach (JsonNode? limit in limits)
        {
            if (limit is not JsonObject read || read.Any(field => field.Key is not ("budget_duration" or "max_budget" or "reserve")))
            {
                throw AdminException.Invalid(name, "must be a list of {\"budget_duration\", \"max_budget\", \"reserve\"}");
            }

            RequestFields.MoneyOf(read["max_budget"], $"{name}.max_budget");
            RequestFields.CheckPeriod(read["budget_duration"], $"{name}.budget_duration");
            OptionalReserve(read["reserve"], $"{name}.reserve");
        }
    }

    private static void OptionalReserve(JsonNode? value, string name)
    {
        if (value is not null)
        {
            Reserve(value, name);
        }
    }

    private static void Reserve(JsonNode value, string name)
    {
        if (value.GetValueKind() != JsonValueKind.String || !Composition.ReserveNames.TryParse(value.GetValue<string>(), out _))
        {
            throw AdminException.Invalid(name, $"must be {Composition.ReserveNames.All}");
        }
    }

    private static void ModelCounts(JsonNode value, string name)
    {
        foreach ((string model, JsonNode? count) in value as JsonObject ?? throw AdminException.Invalid(name, "must be an object of model to number"))
        {
            RequestFields.CountOf(count, $"{name}.{model}");
        }
    }

    private static void ModelBudgets(JsonNode value, string name)
    {
        foreach ((string model, JsonNode? budget) in value as JsonObject ?? throw AdminException.Invalid(name, "must be an object of model to {\"budget_limit\", \"time_period\", \"reserve\"}"))
        {
            if (budget is not JsonObject read || read.Any(field => field.Key is not ("budget_limit" or "time_period" or "reserve")))
            {
                throw AdminException.Invalid($"{name}.{model}", "must be {\"budget_limit\", \"time_period\", \"reserve\"}");
            }

            RequestFields.MoneyOf(read["budget_limit"], $"{name}.{model}.budget_limit");
            RequestFields.CheckPeriod(read["time_period"], $"{name}.{model}.time_period");
            OptionalReserve(read["reserve"], $"{name}.{model}.reserve");
        }
    }
}
