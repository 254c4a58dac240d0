using System.Text.Json.Nodes;

namespace Proxy.Host.Cli;

/// <summary><c>tollway users …</c></summary>
internal static class UsersCommand
{
    public const string Usage =
        """
        usage: tollway users create | list | show | update | delete   [--json] [--config FILE]

          users create  --id ID [--email A@B] [--role internal_user] LIMITS     (LIMITS as in tollway keys --help)
          users list
          users show    ID
          users update  ID            the options of create; none clears one
          users delete  ID...         with their keys
        """;

    public static readonly IReadOnlySet<string> Options = new HashSet<string>(PrincipalOptions.WithValue, StringComparer.Ordinal) { "id", "email", "role" };

    public static async Task<int> RunAsync(Arguments arguments, AdminClient admin, CommandContext context)
    {
        bool json = arguments.Has("json");
        string verb = arguments.Words.Count > 1 ? arguments.Words[1] : "";
        switch (verb)
        {
            case "create":
                arguments.NoMore(2);
                JsonObject made = Body(arguments);
                made["auto_create_key"] = false;
                return await Fields.ShowAsync(await admin.PostAsync("/user/new", made), context, json);
            case "list":
                arguments.NoMore(2);
                return await ListAsync(admin, context, json);
            case "show":
                return await Fields.ShowAsync((await admin.GetAsync($"/user/info?user_id={Uri.EscapeDataString(arguments.Only(2, "user"))}"))["user_info"]!.AsObject(), context, json);
            case "update":
                JsonObject changes = Body(arguments);
                changes["user_id"] = arguments.Only(2, "user");
                return await Fields.ShowAsync((await admin.PostAsync("/user/update", changes))["data"]!.AsObject(), context, json);
            case "delete":
                if (arguments.Words.Count < 3)
                {
                    throw new UsageException("user is missing");
                }

                JsonObject deleted = await admin.PostAsync("/user/delete", new JsonObject { ["user_ids"] = new JsonArray([.. arguments.Words.Skip(2).Select(user => (JsonNode)user)]) });
                await context.Output.WriteLineAsync(json ? deleted.ToJsonString() : $"deleted {deleted["deleted_users"]!.AsArray().Count}");
                return ExitCode.Ok;
            default:
                throw new UsageException(verb.Length == 0 ? "users needs a command" : $"unknown command users {verb}");
        }
    }

    private static JsonObject Body(Arguments arguments)
    {
        JsonObject body = [];
        PrincipalOptions.Text(body, arguments, "id", "user_id");
        PrincipalOptions.Text(body, arguments, "email", "user_email");
        PrincipalOptions.Text(body, arguments, "role", "user_role");
        PrincipalOptions.Fill(body, arguments);
        return body;
    }

    private static async Task<int> ListAsync(AdminClient admin, CommandContext context, bool json)
    {
        JsonArray all = [];
        for (int page = 1, pages = 1; page <= pages; page++)
        {
            JsonNode part = await admin.GetAsync($"/user/list?page_size=1000&page={page}");
            pages = part["total_pages"]!.GetValue<int>();
            foreach (JsonNode? user in part["users"]!.AsArray())
            {
                all.Add(user!.DeepClone());
            }
        }

        if (json)
        {
            await context.Output.WriteLineAsync(all.ToJsonString());
            return ExitCode.Ok;
        }

        Table table = new Table("ID", "EMAIL", "ROLE", "TEAMS", "SPEND", "BUDGET").Numbers(4, 5);
        foreach (JsonNode? user in all)
        {
            table.Add(
                Fields.Text(user, "user_id"), Fields.Text(user, "user_email"), Fields.Text(user, "user_role"), string.Join(' ', user!["teams"]!.AsArray().Select(team => team!.ToString())), Fields.Usd(user, "spend"), Fields.Budget(user));
        }

        await table.WriteAsync(context.Output);
        return ExitCode.Ok;
    }
}
