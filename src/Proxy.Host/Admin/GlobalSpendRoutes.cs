using System.Globalization;
using System.Text.Json.Nodes;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>The reports over everybody.</summary>
internal static class GlobalSpendRoutes
{
    private const int ReportDays = 30;

    public static void MapGlobalSpend(this IEndpointRouteBuilder app, SpendReports reports, AdminContext context)
    {
        SpendRange Range(HttpContext http) => SpendRange.Read(http.Request.Query, SpendRange.LastDays(context.NowMs, ReportDays));

        app.MapGet("/global/spend", Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonObject
        {
            ["spend"] = Money.ToUsd(reports.Sum(["'all'"], SpendRange.All).Sum(row => row.Cost)),
            ["max_budget"] = 0,
        }));
        app.MapGet("/global/spend/logs", Task (HttpContext http, string? api_key) =>
        {
            IReadOnlyList<SpendSum> days = reports.Sum(["day"], Range(http), "AND ($hash = '' OR d.key_hash = $hash)", ("$hash", SpendRoutes.KeyHashOf(api_key ?? "")));
            return AdminJson.WriteAsync(http, new JsonArray([.. ByDay(days).Select(day => new JsonObject { ["date"] = SpendRange.Text(day.Day), ["spend"] = Money.ToUsd(day.Row.Cost) })]));
        });
        app.MapGet("/global/spend/keys", Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonArray(
        [
            .. reports.Sum(["d.key_hash", "k.alias", "k.name"], Range(http)).Where(row => row.Groups[0].Length > 0).Take(SpendRoutes.Number(http.Request.Query, "limit", 5, 10_000)).Select(row => new JsonObject
            {
                ["api_key"] = row.Groups[0], ["key_alias"] = NullIfEmpty(row.Groups[1]), ["key_name"] = NullIfEmpty(row.Groups[2]), ["total_spend"] = Money.ToUsd(row.Cost),
            }),
        ])));
        app.MapGet("/global/spend/models", Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonArray(
        [
            .. reports.Sum(["d.model"], Range(http)).Take(SpendRoutes.Number(http.Request.Query, "limit", 5, 10_000)).Select(row => new JsonObject
            {
                ["model"] = row.Groups[0], ["total_spend"] = Money.ToUsd(row.Cost), ["total_tokens"] = row.Total,
            }),
        ])));
        app.MapGet("/global/spend/teams", Task (HttpContext http) => AdminJson.WriteAsync(http, Teams(reports.Sum(["day", "d.team_id", "t.alias"], Range(http)))));
        app.MapGet("/global/spend/provider", Task (HttpContext http) => AdminJson.WriteAsync(
            http, new JsonArray(new JsonObject { ["provider"] = "anthropic", ["spend"] = Money.ToUsd(reports.Sum(["'all'"], Range(http)).Sum(row => row.Cost)) })));
        app.MapPost("/global/spend/end_users", static Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonArray()));
        app.MapGet("/global/spend/report", Task (HttpContext http, string? group_by, string? api_key, string? internal_user_id) =>
            AdminJson.WriteAsync(http, Report(reports, Range(http), group_by, api_key, internal_user_id)));
        app.MapGet("/global/activity", Task (HttpContext http) => AdminJson.WriteAsync(http, Activity(reports.Sum(["day"], Range(http)))));
        app.MapGet("/global/activity/model", Task (HttpContext http) =>
        {
            JsonArray models = [];
            foreach (IGrouping<string, SpendSum> model in reports.Sum(["day", "d.model"], Range(http)).GroupBy(row => row.Groups[1]))
            {
                JsonObject activity = Activity([.. model]);
                activity["model"] = model.Key;
                models.Add((JsonNode)activity);
            }

            return AdminJson.WriteAsync(http, models);
        });
        foreach (string route in new[] { "/user/daily/activity", "/user/daily/activity/aggregated", "/team/daily/activity", "/tag/daily/activity" })
        {
            app.MapGet(route, Task (HttpContext http, string? user_id, string? team_ids) => AdminJson.WriteAsync(http, Daily(reports.Sum(
                ["day", "d.model", "d.key_hash"], Range(http), "AND ($user = '' OR d.user_id = $user) AND ($team = '' OR d.team_id = $team)", ("$user", user_id ?? ""), ("$team", team_ids ?? "")))));
        }

        app.MapPost("/global/spend/reset", Task (HttpContext http) =>
        {
            Reset(context, AdminAuthorization.ActorOf(http));
            return AdminJson.WriteAsync(http, new JsonObject { ["message"] = "Spend for all API Keys and Teams reset successfully", ["status"] = "success" });
        });
    }

    private static IEnumerable<(long Day, SpendSum Row)> ByDay(IEnumerable<SpendSum> rows) =>
        rows.Select(row => (Day: long.Parse(row.Groups[0], CultureInfo.InvariantCulture), row)).OrderBy(day => day.Day);

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static string NameOf(SpendSum row) => row.Groups[2].Length > 0 ? row.Groups[2] : row.Groups[1];

    private static JsonObject Teams(IReadOnlyList<SpendSum> rows)
    {
        List<SpendSum> teams = [.. rows.Where(row => row.Groups[1].Length > 0)];
        JsonArray days = [];
        foreach (IGrouping<long, (long Day, SpendSum Row)> day in ByDay(teams).GroupBy(row => row.Day))
        {
            JsonObject entry = new() { ["date"] = SpendRange.Text(day.Key) };
            foreach ((_, SpendSum row) in day)
            {
                entry[NameOf(row)] = Money.ToUsd(row.Cost);
            }

            days.Add((JsonNode)entry);
        }

        return new JsonObject
        {
            ["daily_spend"] = days,
            ["teams"] = new JsonArray([.. teams.Select(NameOf).Distinct(StringComparer.Ordinal).Select(name => (JsonNode)name)]),
            ["total_spend_per_team"] = new JsonArray(
            [
                .. teams.GroupBy(row => row.Groups[1]).OrderByDescending(team => team.Sum(row => row.Cost)).Select(team => new JsonObject
                {
                    ["team_id"] = team.Key, ["total_spend"] = Money.ToUsd(team.Sum(row => row.Cost)),
                }),
            ]),
        };
    }

    private static JsonArray Report(SpendReports reports, SpendRange range, string? groupBy, string? apiKey, string? userId)
    {
        if (groupBy == "api_key" || apiKey is not null || userId is not null)
        {
            IReadOnlyList<SpendSum> rows = reports.Sum(
                ["d.key_hash", "d.model"], range, "AND ($hash = '' OR d.key_hash = $hash) AND ($user = '' OR d.user_id = $user)", ("$hash", SpendRoutes.KeyHashOf(apiKey ?? "")), ("$user", userId ?? ""));
            return new JsonArray(
            [
                .. rows.GroupBy(row => row.Groups[0]).Select(key => new JsonObject
                {
                    ["api_key"] = key.Key,
                    ["total_cost"] = Money.ToUsd(key.Sum(row => row.Cost)),
                    ["total_input_tokens"] = key.Sum(row => row.Prompt),
                    ["total_output_tokens"] = key.Sum(row => row.Output),
                    ["model_details"] = new JsonArray(
                    [
                        .. key.Select(row => new JsonObject
                        {
                            ["model"] = row.Groups[1], ["total_cost"] = Money.ToUsd(row.Cost), ["total_input_tokens"] = row.Prompt, ["total_output_tokens"] = row.Output,
                        }),
                    ]),
                }),
            ]);
        }

        // There are no customers here: who would be one is a user.
        (string list, string name, string[] groups) = groupBy switch
        {
            null or "team" => ("teams", "team_name", new[] { "day", "d.team_id", "t.alias", "d.model", "d.key_hash" }),
            "customer" => ("customers", "customer", new[] { "day", "d.user_id", "''", "d.model", "d.key_hash" }),
            _ => throw AdminException.Invalid("group_by", "must be team, customer or api_key"),
        };
        JsonArray days = [];
        foreach (IGrouping<long, (long Day, SpendSum Row)> day in ByDay(reports.Sum(groups, range)).GroupBy(row => row.Day))
        {
            days.Add((JsonNode)new JsonObject
            {
                ["group_by_day"] = SpendRange.Text(day.Key),
                [list] = new JsonArray(
                [
                    .. day.Select(entry => entry.Row).GroupBy(NameOf).Select(group => new JsonObject
                    {
                        [name] = group.Key,
                        ["total_spend"] = Money.ToUsd(group.Sum(row => row.Cost)),
                        ["metadata"] = new JsonArray(
                        [
                            .. group.Select(row => new JsonObject { ["model"] = row.Groups[3], ["spend"] = Money.ToUsd(row.Cost), ["total_tokens"] = row.Total, ["api_key"] = row.Groups[4] }),
                        ]),
                    }),
                ]),
            });
        }

        return days;
    }

    private static JsonObject Activity(IReadOnlyList<SpendSum> rows) => new()
    {
        ["daily_data"] = new JsonArray(
        [
            .. ByDay(rows).Select(day => new JsonObject
            {
                ["date"] = DateTimeOffset.FromUnixTimeMilliseconds(day.Day * SpendRange.DayMs).UtcDateTime.ToString("MMM dd", CultureInfo.InvariantCulture),
                ["api_requests"] = day.Row.Requests,
                ["total_tokens"] = day.Row.Total,
            }),
        ]),
        ["sum_api_requests"] = rows.Sum(row => row.Requests),
        ["sum_total_tokens"] = rows.Sum(row => row.Total),
    };

    private static JsonObject Daily(IReadOnlyList<SpendSum> rows)
    {
        JsonArray results = [];
        foreach (IGrouping<long, (long Day, SpendSum Row)> day in ByDay(rows).GroupBy(row => row.Day).OrderByDescending(day => day.Key))
        {
            List<SpendSum> sums = [.. day.Select(entry => entry.Row)];
            results.Add((JsonNode)new JsonObject
            {
                ["date"] = SpendRange.Text(day.Key),
                ["metrics"] = Metrics(sums),
                ["breakdown"] = new JsonObject
                {
                    ["models"] = Breakdown(sums, 1),
                    ["providers"] = new JsonObject { ["anthropic"] = new JsonObject { ["metrics"] = Metrics(sums) } },
                    ["api_keys"] = Breakdown(sums, 2),
                },
            });
        }

        return new JsonObject
        {
            ["results"] = results,
            ["metadata"] = new JsonObject
            {
                ["total_spend"] = Money.ToUsd(rows.Sum(row => row.Cost)),
                ["total_prompt_tokens"] = rows.Sum(row => row.Prompt),
                ["total_completion_tokens"] = rows.Sum(row => row.Output),
                ["total_tokens"] = rows.Sum(row => row.Total),
                ["total_api_requests"] = rows.Sum(row => row.Requests),
                ["total_failed_requests"] = rows.Sum(row => row.Failed),
                ["page"] = 1,
                ["total_pages"] = 1,
                ["has_more"] = false,
            },
        };
    }

    private static JsonObject Breakdown(IReadOnlyList<SpendSum> rows, int group)
    {
        JsonObject breakdown = [];
        foreach (IGrouping<string, SpendSum> one in rows.GroupBy(row => row.Groups[group]))
        {
            breakdown[one.Key] = new JsonObject { ["metrics"] = Metrics([.. one]) };
        }

        return breakdown;
    }

    private static JsonObject Metrics(IReadOnlyList<SpendSum> rows) => new()
    {
        ["spend"] = Money.ToUsd(rows.Sum(row => row.Cost)),
        ["prompt_tokens"] = rows.Sum(row => row.Prompt),
        ["completion_tokens"] = rows.Sum(row => row.Output),
        ["cache_read_input_tokens"] = rows.Sum(row => row.CacheRead),
        ["cache_creation_input_tokens"] = rows.Sum(row => row.CacheWrite),
        ["total_tokens"] = rows.Sum(row => row.Total),
        ["successful_requests"] = rows.Sum(row => row.Requests - row.Failed),
        ["failed_requests"] = rows.Sum(row => row.Failed),
        ["api_requests"] = rows.Sum(row => row.Requests),
    };

    /// <summary>Every key's and team's budget counts nothing any more. The records stay.</summary>
    private static void Reset(AdminContext context, string actor)
    {
        using PrincipalWriter writer = new(context.LedgerPath, context.BusyTimeout, actor, context.NowMs);
        foreach (KeyChain key in PrincipalReader.KeyChains(writer.Connection, "", ""))
        {
            ScopeSpend.SetSpent(writer, "key", key.Current.ScopeId, PrincipalSettings.Parse(key.Current.Settings), 0);
        }

        foreach (TeamRow team in PrincipalReader.Teams(writer.Connection, "", ""))
        {
            ScopeSpend.SetSpent(writer, "team", team.TeamId, PrincipalSettings.Parse(team.Settings), 0);
        }

        writer.Audit("spend.reset", "all", "", null, null);
        writer.Commit();
        context.PrincipalsChanged();
    }
}
