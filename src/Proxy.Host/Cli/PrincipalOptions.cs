using System.Globalization;
using System.Text.Json.Nodes;

namespace Proxy.Host.Cli;

/// <summary>The options by which keys, teams and users are limited, as the admin API's fields. <c>none</c> clears one.</summary>
internal static class PrincipalOptions
{
    public static readonly IReadOnlySet<string> WithValue = new HashSet<string>(StringComparer.Ordinal)
    {
        "models", "max-budget", "budget-duration", "soft-budget", "budget", "rpm", "tpm", "parallel", "tags", "allow", "metadata", "model-budget", "temp-increase", "temp-until", "count-client-spend",
        "spend", "reserve",
    };

    public static void Fill(JsonObject body, Arguments arguments)
    {
        List(body, arguments, "models", "models");
        List(body, arguments, "tags", "tags");
        List(body, arguments, "allow", "workspace_access");
        Number(body, arguments, "max-budget", "max_budget");
        Number(body, arguments, "soft-budget", "soft_budget");
        Number(body, arguments, "rpm", "rpm_limit");
        Number(body, arguments, "tpm", "tpm_limit");
        Number(body, arguments, "parallel", "max_parallel_requests");
        Number(body, arguments, "spend", "spend");
        Number(body, arguments, "temp-increase", "temp_budget_increase");
        Text(body, arguments, "temp-until", "temp_budget_expiry");
        Text(body, arguments, "budget-duration", "budget_duration");
        Text(body, arguments, "reserve", "reserve");
        if (arguments.Find("count-client-spend") is { } counts)
        {
            body["count_client_spend"] = counts switch { "true" => true, "false" => false, _ => throw new UsageException("--count-client-spend must be true or false") };
        }

        Budgets(body, arguments);
        Metadata(body, arguments);
    }

    public static void Text(JsonObject body, Arguments arguments, string option, string field)
    {
        if (arguments.Find(option) is { } value)
        {
            body[field] = value == "none" ? null : value;
        }
    }

    private static void List(JsonObject body, Arguments arguments, string option, string field)
    {
        if (arguments.Has(option))
        {
            string[] items = [.. arguments.All(option).SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
            body[field] = items is ["none"] ? null : new JsonArray([.. items.Select(item => (JsonNode)item)]);
        }
    }

    private static void Number(JsonObject body, Arguments arguments, string option, string field)
    {
        if (arguments.Find(option) is { } value)
        {
            body[field] = value == "none" ? null : Amount(value, option);
        }
    }

    private static decimal Amount(string value, string option) =>
        decimal.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal amount) ? amount : throw new UsageException($"--{option} must be a number, or none");

    /// <summary><c>--budget 5/1d --budget 50/30d/worstCase</c>, and <c>--model-budget claude-opus-5=10/1d</c>.</summary>
    private static void Budgets(JsonObject body, Arguments arguments)
    {
        if (arguments.Has("budget"))
        {
            JsonArray limits = [];
            foreach (string budget in arguments.All("budget").Where(budget => budget != "none"))
            {
                string[] parts = budget.Split('/');
                if (parts.Length is not (2 or 3))
                {
                    throw new UsageException("--budget must look like 5/1d, or 5/1d/worstCase");
                }

                JsonObject limit = new() { ["max_budget"] = Amount(parts[0], "budget"), ["budget_duration"] = parts[1] };
                AddReserve(limit, parts);
                limits.Add((JsonNode)limit);
            }

            body["budget_limits"] = limits.Count == 0 ? null : limits;
        }

        if (arguments.Has("model-budget"))
        {
            JsonObject models = [];
            foreach (string budget in arguments.All("model-budget").Where(budget => budget != "none"))
            {
                string[] sides = budget.Split('=');
                string[] parts = sides[^1].Split('/');
                if (sides.Length != 2 || parts.Length is not (2 or 3))
                {
                    throw new UsageException("--model-budget must look like claude-opus-5=10/1d, or claude-opus-5=10/1d/worstCase");
                }

                JsonObject limit = new() { ["budget_limit"] = Amount(parts[0], "model-budget"), ["time_period"] = parts[1] };
                AddReserve(limit, parts);
                models[sides[0]] = limit;
            }

            body["model_max_budget"] = models.Count == 0 ? null : models;
        }
    }

    private static void AddReserve(JsonObject limit, string[] parts)
    {
        if (parts.Length == 3)
        {
            limit["reserve"] = parts[2];
        }
    }

    private static void Metadata(JsonObject body, Arguments arguments)
    {
        if (arguments.Has("metadata"))
        {
            JsonObject metadata = [];
            foreach (string pair in arguments.All("metadata").Where(pair => pair != "none"))
            {
                int equals = pair.IndexOf('=', StringComparison.Ordinal);
                metadata[equals > 0 ? pair[..equals] : throw new UsageException("--metadata must look like name=value")] = pair[(equals + 1)..];
            }

            body["metadata"] = metadata;
        }
    }
}
