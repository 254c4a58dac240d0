using System.Text.Json.Nodes;

namespace Proxy.Host.Cli;

/// <summary><c>tollway teams …</c></summary>
internal static class TeamsCommand
{
    public const string Usage =
        """
        usage: tollway teams create | list | show | update | block | unblock | delete | add-member | remove-member   [--json] [--config FILE]

          teams create  --alias NAME [--id ID] [--member-budget 50] LIMITS     (LIMITS as in tollway keys --help)
          teams list
          teams show    TEAM          TEAM is an id or an alias
          teams update  TEAM          the options of create; none clears one
          teams block   TEAM          refuse the requests of all its keys; unblock takes it back
          teams delete  TEAM...       with their keys
          teams add-member    TEAM --user ID [--role admin|user] [--member-budget 10]
          teams remove-member TEAM --user ID
        """;

    public static readonly IReadOnlySet<string> Options = new HashSet<string>(PrincipalOptions.WithValue, StringComparer.Ordinal) { "alias", "id", "user", "role", "member-budget" };

    public static async Task<int> RunAsync(Arguments arguments, AdminClient admin, CommandContext context)
    {
        bool json = arguments.Has("json");
        string verb = arguments.Words.Count > 1 ? arguments.Words[1] : "";
        switch (verb)
        {
            case "create":
                arguments.NoMore(2);
                return await Fields.ShowAsync(await admin.PostAsync("/team/new", Body(arguments)), context, json);
            case "list":
                arguments.NoMore(2);
                return await ListAsync(admin, context, json);
            case "show":
                return await Fields.ShowAsync((await InfoAsync(arguments, admin))["team_info"]!.AsObject(), context, json);
            case "update":
                JsonObject changes = Body(arguments);
                changes["team_id"] = arguments.Only(2, "team");
                return await Fields.ShowAsync((await admin.PostAsync("/team/update", changes))["data"]!.AsObject(), context, json);
            case "block" or "unblock":
                return await Fields.ShowAsync(await admin.PostAsync($"/team/{verb}", new JsonObject { ["team_id"] = arguments.Only(2, "team") }), context, json);
            case "delete":
                if (arguments.Words.Count < 3)
                {
                    throw new UsageException("team is missing");
                }

                JsonObject deleted = await admin.PostAsync("/team/delete", new JsonObject { ["team_ids"] = new JsonArray([.. arguments.Words.Skip(2).Select(team => (JsonNode)team)]) });
                await context.Output.WriteLineAsync(json ? deleted.ToJsonString() : $"deleted {deleted["deleted_teams"]!.AsArray().Count}");
                return ExitCode.Ok;
            case "add-member":
                JsonObject member = new() { ["user_id"] = arguments.Find("user") ?? throw new UsageException("--user is missing"), ["role"] = arguments.Find("role") ?? "user" };
                JsonObject body = new() { ["team_id"] = arguments.Only(2, "team"), ["member"] = member };
                if (arguments.Find("member-budget") is { } budget)
                {
                    body["max_budget_in_team"] = budget;
                }

                return await Fields.ShowAsync(await admin.PostAsync("/team/member_add", body), context, json);
            case "remove-member":
                JsonObject removal = new() { ["team_id"] = arguments.Only(2, "team"), ["user_id"] = arguments.Find("user") ?? throw new UsageException("--user is missing") };
                return await Fields.ShowAsync(await admin.PostAsync("/team/member_delete", removal), context, json);
            default:
                throw new UsageException(verb.Length == 0 ? "teams needs a command" : $"unknown command teams {verb}");
        }
    }

    private static JsonObject Body(Arguments arguments)
    {
        JsonObject body = [];
        PrincipalOptions.Text(body, arguments, "alias", "team_alias");
        PrincipalOptions.Text(body, arguments, "id", "team_id");
        if (arguments.Find("member-budget") is { } budget)
        {
            body["team_member_budget"] = budget == "none" ? null : budget;
        }

        PrincipalOptions.Fill(body, arguments);
        return body;
    }

    private static async Task<JsonNode> InfoAsync(Arguments arguments, AdminClient admin) =>
        await admin.GetAsync($"/team/info?team_id={Uri.EscapeDataString(arguments.Only(2, "team"))}");

    private static async Task<int> ListAsync(AdminClient admin, CommandContext context, bool json)
    {
        JsonArray teams = (await admin.GetAsync("/team/list")).AsArray();
        if (json)
        {
            await context.Output.WriteLineAsync(teams.ToJsonString());
            return ExitCode.Ok;
        }

        Table table = new Table("ALIAS", "ID", "KEYS", "MEMBERS", "SPEND", "BUDGET", "STATE").Numbers(2, 3, 4, 5);
        foreach (JsonNode? team in teams)
        {
            table.Add(
                Fields.Text(team, "team_alias"), Fields.Text(team, "team_id"), $"{team!["keys"]!.AsArray().Count}", $"{team["members_with_roles"]!.AsArray().Count}", Fields.Usd(team, "spend"), Fields.Budget(team),
                team["blocked"]!.GetValue<bool>() ? "blocked" : "active");
        }

        await table.WriteAsync(context.Output);
        return ExitCode.Ok;
    }
}
