using System.Globalization;
using System.Text.Json.Nodes;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Host.Admin;

/// <summary>LiteLLM's reports (litellm-compat.md §3.5), and the one of our own that the command line shows.</summary>
internal static class SpendRoutes
{
    private const int MaxLogs = 10_000;

    public static void MapSpend(this IEndpointRouteBuilder app, AdminContext context)
    {
        SpendReports reports = new(context);
        app.MapGet("/spend/report", Task (HttpContext http, string? by) =>
            AdminJson.WriteAsync(http, reports.Report(by ?? "key", SpendRange.Read(http.Request.Query, SpendRange.LastDays(context.NowMs, 30), "since", "until"))));
        app.MapGet("/spend/logs", Task (HttpContext http) => AdminJson.WriteAsync(http, Logs(http.Request.Query, reports, context)));
        foreach (string route in new[] { "/spend/logs/v2", "/spend/logs/ui", "/spend/logs/session/ui" })
        {
            app.MapGet(route, Task (HttpContext http) => AdminJson.WriteAsync(http, PagedLogs(http.Request.Query, reports)));
        }

        app.MapGet("/spend/keys", Task (HttpContext http) => AdminJson.WriteAsync(http, Ranked(new KeyService(context).List(new KeyFilter(1, int.MaxValue, null, null, null, true))["keys"]!.AsArray())));
        app.MapGet("/spend/users", Task (HttpContext http, string? user_id) =>
        {
            UserService users = new(context, new KeyService(context));
            JsonArray rows = user_id is null ? users.List(1, int.MaxValue)["users"]!.AsArray() : [users.Info(user_id)["user_info"]!.DeepClone()];
            return AdminJson.WriteAsync(http, Ranked(rows));
        });
        foreach (string route in new[] { "/spend/tags", "/global/spend/tags" })
        {
            app.MapGet(route, Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonArray(
            [
                .. reports.ByTag(SpendRange.Read(http.Request.Query, SpendRange.All)).Select(tag => new JsonObject
                {
                    ["individual_request_tag"] = tag.Tag, ["log_count"] = tag.Count, ["total_spend"] = Money.ToUsd(tag.Cost),
                }),
            ])));
        }

        app.MapGet("/global/spend/all_tag_names", Task (HttpContext http) => AdminJson.WriteAsync(
            http, new JsonObject { ["tag_names"] = new JsonArray([.. reports.ByTag(SpendRange.All).Select(tag => (JsonNode)tag.Tag)]) }));
        app.MapGet("/tag/list", Task (HttpContext http) => AdminJson.WriteAsync(
            http, new JsonArray([.. reports.ByTag(SpendRange.All).Select(tag => new JsonObject { ["name"] = tag.Tag, ["description"] = null, ["models"] = new JsonArray() })])));
        app.MapPost("/spend/calculate", async Task (HttpContext http) => await AdminJson.WriteAsync(http, Calculate(await AdminJson.ReadAsync(http), context)));
        app.MapGet("/audit", Task (HttpContext http, int? page_size) =>
        {
            JsonArray rows = reports.Audit(AdminJson.InRange(page_size ?? 100, 1, MaxLogs, "page_size"));
            return AdminJson.WriteAsync(http, new JsonObject { ["audit_logs"] = rows, ["total"] = rows.Count });
        });
        app.MapGlobalSpend(reports, context);
    }

    private static JsonArray Logs(IQueryCollection query, SpendReports reports, AdminContext context)
    {
        (string where, List<(string Name, object Value)> parameters, bool hasDates) = Filter(query);
        if (!hasDates || query["summarize"] == "false")
        {
            return reports.Logs(where, parameters, MaxLogs, 0);
        }

        // By days, users and models, as LiteLLM sums them up when dates are given.
        SpendRange range = SpendRange.Read(query, SpendRange.LastDays(context.NowMs, 30));
        string hash = KeyHashOf(query["api_key"].ToString());
        string user = query["user_id"].ToString();
        IReadOnlyList<SpendSum> rows = reports.Sum(
            ["day", "d.user_id", "d.model"], range, "AND ($hash = '' OR d.key_hash = $hash) AND ($user = '' OR d.user_id = $user)", ("$hash", hash), ("$user", user));
        JsonArray days = [];
        foreach (IGrouping<string, SpendSum> day in rows.GroupBy(row => row.Groups[0]).OrderBy(day => long.Parse(day.Key, CultureInfo.InvariantCulture)))
        {
            days.Add((JsonNode)new JsonObject
            {
                ["startTime"] = SpendRange.Text(long.Parse(day.Key, CultureInfo.InvariantCulture)),
                ["spend"] = Money.ToUsd(day.Sum(row => row.Cost)),
                ["users"] = Map(day.GroupBy(row => row.Groups[1])),
                ["models"] = Map(day.GroupBy(row => row.Groups[2])),
            });
        }

        return days;
    }

    private static JsonObject Map(IEnumerable<IGrouping<string, SpendSum>> groups)
    {
        JsonObject map = [];
        foreach (IGrouping<string, SpendSum> group in groups)
        {
            map[group.Key] = Money.ToUsd(group.Sum(row => row.Cost));
        }

        return map;
    }

    private static JsonObject PagedLogs(IQueryCollection query, SpendReports reports)
    {
        (string where, List<(string Name, object Value)> parameters, _) = Filter(query);
        int page = Number(query, "page", 1, int.MaxValue / MaxLogs);
        int size = Number(query, "page_size", 50, 1000);
        long total = reports.CountLogs(where, parameters);
        return new JsonObject
        {
            ["data"] = reports.Logs(where, parameters, size, (page - 1) * size),
            ["total"] = total,
            ["page"] = page,
            ["page_size"] = size,
            ["total_pages"] = (total + size - 1) / size,
        };
    }

    private static (string Where, List<(string Name, object Value)> Parameters, bool HasDates) Filter(IQueryCollection query)
    {
        List<string> clauses = [];
        List<(string Name, object Value)> parameters = [];
        void Add(string name, string clause, object value)
        {
            clauses.Add(clause);
            parameters.Add((name, value));
        }

        if (query["request_id"].ToString() is { Length: > 0 } request)
        {
            Add("$id", "s.id = $id", Guid.TryParse(request, out Guid id) ? id.ToByteArray(bigEndian: true) : []);
        }

        if (query["api_key"].ToString() is { Length: > 0 } key)
        {
            Add("$hash", "s.key_hash = $hash", KeyHashOf(key));
        }

        if (query["user_id"].ToString() is { Length: > 0 } user)
        {
            Add("$user", "s.user_id = $user", user);
        }

        if (query["team_id"].ToString() is { Length: > 0 } team)
        {
            Add("$team", "s.team_id = $team", team);
        }

        if (query["session_id"].ToString() is { Length: > 0 } session)
        {
            Add("$session", "s.session_id = $session", session);
        }

        bool hasDates = query.ContainsKey("start_date") || query.ContainsKey("end_date");
        if (hasDates)
        {
            SpendRange range = SpendRange.Read(query, SpendRange.All);
            Add("$start", "s.started_at_ms >= $start", range.StartMs);
            Add("$end", "s.started_at_ms < $end", range.EndMs);
        }

        return (clauses.Count == 0 ? "" : "WHERE " + string.Join(" AND ", clauses), parameters, hasDates);
    }

    internal static string KeyHashOf(string named) => named.StartsWith("sk-", StringComparison.Ordinal) ? Configuration.KeyHash.Of(named) : named;

    internal static int Number(IQueryCollection query, string name, int fallback, int most)
    {
        string text = query[name].ToString();
        return text.Length == 0 ? fallback
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= most ? number
            : throw AdminException.Invalid(name, $"must be a whole number from 1 to {most}");
    }

    private static JsonArray Ranked(JsonArray rows) => new([.. rows.OrderByDescending(row => row!["spend"]!.GetValue<decimal>()).Select(row => row!.DeepClone())]);

    /// <summary>Prices a request that was not made: a model and its usage.</summary>
    private static JsonObject Calculate(JsonObject body, AdminContext context)
    {
        RequestFields request = new(body);
        JsonObject? answer = request.Object("completion_response");
        string model = answer?["model"]?.ToString() ?? request.Required("model");
        JsonObject usage = answer?["usage"] as JsonObject ?? request.Object("usage") ?? throw AdminException.Invalid("usage", "is missing: the usage object of an answer");
        _ = request.Node("messages");
        request.Finish();
        SpendRecord record = new() { PathClass = PathClass.Messages, StartedAtUnixMs = context.NowMs };
        record.ModelServed.Set(System.Text.Encoding.UTF8.GetBytes(model));
        using ResponseMeter meter = new();
        meter.Begin(record, 200, "application/json"u8, default);
        meter.Feed(System.Text.Encoding.UTF8.GetBytes(new JsonObject { ["model"] = model, ["usage"] = usage.DeepClone() }.ToJsonString()));
        meter.End(complete: true);
        context.Prices().Price(record);
        return new JsonObject { ["cost"] = Money.ToUsd(record.CostNanoUsd) };
    }
}
