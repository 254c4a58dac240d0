using System.Text.Json.Nodes;

namespace Proxy.Host.Cli;

/// <summary><c>tollway keys …</c></summary>
internal static class KeysCommand
{
    public const string Usage =
        """
        usage: tollway keys create | list | show | update | block | unblock | rotate | delete   [--json] [--config FILE]

          keys create  --alias NAME --team ID --user ID --expires 30d --key sk-own LIMITS    make a key; it is shown this once
          keys list    [--team ID] [--user ID] [--alias NAME]
          keys show    KEY            KEY is an alias, a hash, or the key itself
          keys update  KEY            the options of create; none clears one: --rpm none
          keys block   KEY            refuse its requests from now on; unblock takes it back
          keys rotate  KEY [--grace 24h] [--key sk-new]     a new key in its place; the old one works until the grace is over
          keys delete  KEY...

        LIMITS  --max-budget 50 --budget-duration 30d     USD, in each period (1h, 1d, 7d, 30d, 1mo); without a period in all
                --budget 5/1d --budget 50/30d             several at once
                --model-budget claude-opus-5=10/1d        for one model
                --reserve worstCase                       never overspend: set aside the most that a request may cost (else: learned);
                                                          for one budget of several: --budget 5/1d/worstCase
                --soft-budget 40                          only warns
                --temp-increase 20 --temp-until 2026-12-01
                --rpm 60 --tpm 200000 --parallel 8        requests and tokens a minute (cache reads do not count), requests at once
                --models claude-sonnet-5,claude-haiku-*   only these
                --allow files,batches,skills,agents,sessions,other,unmetered   of the workspace behind the company's key
                --count-client-spend true                 budgets count what clients pay themselves too
                --tags a,b --metadata name=value
        """;

    public static readonly IReadOnlySet<string> Options = new HashSet<string>(PrincipalOptions.WithValue, StringComparer.Ordinal) { "alias", "team", "user", "expires", "key", "grace" };

    public static async Task<int> RunAsync(Arguments arguments, AdminClient admin, CommandContext context)
    {
        bool json = arguments.Has("json");
        string verb = arguments.Words.Count > 1 ? arguments.Words[1] : "";
        switch (verb)
        {
            case "create":
                arguments.NoMore(2);
                return await ShowKeyAsync(await admin.PostAsync("/key/generate", Body(arguments)), context, json);
            case "list":
                arguments.NoMore(2);
                return await ListAsync(arguments, admin, context);
            case "show":
                JsonNode shown = await admin.GetAsync($"/key/info?key={Uri.EscapeDataString(arguments.Only(2, "key"))}");
                return await ShowAsync(shown["info"]!.AsObject(), context, json);
            case "update":
                JsonObject changes = Body(arguments);
                changes["key"] = arguments.Only(2, "key");
                return await ShowAsync(await admin.PostAsync("/key/update", changes), context, json);
            case "block" or "unblock":
                return await ShowAsync(await admin.PostAsync($"/key/{verb}", new JsonObject { ["key"] = arguments.Only(2, "key") }), context, json);
            case "rotate":
                JsonObject rotation = Body(arguments);
                rotation.Remove("key");
                rotation["key"] = arguments.Only(2, "key");
                PrincipalOptions.Text(rotation, arguments, "key", "new_key");
                PrincipalOptions.Text(rotation, arguments, "grace", "grace_period");
                return await ShowKeyAsync(await admin.PostAsync("/key/regenerate", rotation), context, json);
            case "delete":
                return await DeleteAsync(arguments, admin, context);
            default:
                throw new UsageException(verb.Length == 0 ? "keys needs a command" : $"unknown command keys {verb}");
        }
    }

    private static JsonObject Body(Arguments arguments)
    {
        JsonObject body = [];
        PrincipalOptions.Text(body, arguments, "alias", "key_alias");
        PrincipalOptions.Text(body, arguments, "team", "team_id");
        PrincipalOptions.Text(body, arguments, "user", "user_id");
        PrincipalOptions.Text(body, arguments, "key", "key");
        if (arguments.Find("expires") is { } expires)
        {
            // A length of time, or a date.
            body[char.IsAsciiLetter(expires[^1]) && !expires.Contains('T', StringComparison.Ordinal) ? "duration" : "expires"] = expires == "none" ? null : expires;
        }

        PrincipalOptions.Fill(body, arguments);
        return body;
    }

    private static async Task<int> ListAsync(Arguments arguments, AdminClient admin, CommandContext context)
    {
        string filter = "";
        foreach ((string option, string parameter) in new[] { ("team", "team_id"), ("user", "user_id"), ("alias", "key_alias") })
        {
            filter += arguments.Find(option) is { } value ? $"&{parameter}={Uri.EscapeDataString(value)}" : "";
        }

        JsonArray all = [];
        for (int page = 1, pages = 1; page <= pages; page++)
        {
            JsonNode part = await admin.GetAsync($"/key/list?return_full_object=true&size=1000&page={page}{filter}");
            pages = part["total_pages"]!.GetValue<int>();
            foreach (JsonNode? key in part["keys"]!.AsArray())
            {
                all.Add(key!.DeepClone());
            }
        }

        if (arguments.Has("json"))
        {
            await context.Output.WriteLineAsync(all.ToJsonString());
            return ExitCode.Ok;
        }

        Table table = new Table("ALIAS", "KEY", "TEAM", "USER", "SPEND", "BUDGET", "STATE", "HASH").Numbers(4, 5);
        foreach (JsonNode? key in all)
        {
            table.Add(Fields.Text(key, "key_alias"), Fields.Text(key, "key_name"), Fields.Text(key, "team_id"), Fields.Text(key, "user_id"), Fields.Usd(key, "spend"), Fields.Budget(key), StateOf(key!), Fields.Text(key, "token")[..12]);
        }

        await table.WriteAsync(context.Output);
        return ExitCode.Ok;
    }

    private static string StateOf(JsonNode key) =>
        key["blocked"]?.GetValue<bool>() == true ? "blocked" : (key["expires"] is { } expires ? $"until {expires.GetValue<string>()[..10]}" : "active") + OlderOf(key);

    private static string OlderOf(JsonNode key)
    {
        IEnumerable<JsonNode> older = (key["values"]?.AsArray() ?? []).OfType<JsonNode>().Where(value => Fields.Text(value, "token") != Fields.Text(key, "token"));
        return string.Concat(older.Select(value => $", {Fields.Text(value, "key_name")} until {Fields.Text(value, "expires")}"));
    }

    private static async Task<int> DeleteAsync(Arguments arguments, AdminClient admin, CommandContext context)
    {
        if (arguments.Words.Count < 3)
        {
            throw new UsageException("key is missing");
        }

        JsonObject answer = await admin.PostAsync("/key/delete", new JsonObject { ["keys"] = new JsonArray([.. arguments.Words.Skip(2).Select(key => (JsonNode)key)]) });
        await context.Output.WriteLineAsync(arguments.Has("json") ? answer.ToJsonString() : $"deleted {answer["deleted_keys"]!.AsArray().Count}");
        return ExitCode.Ok;
    }

    private static async Task<int> ShowKeyAsync(JsonObject answer, CommandContext context, bool json)
    {
        if (json)
        {
            await context.Output.WriteLineAsync(answer.ToJsonString());
            return ExitCode.Ok;
        }

        await context.Output.WriteLineAsync(answer["key"]!.GetValue<string>());
        await context.Errors.WriteLineAsync("This is the only time that the key is shown.");
        return ExitCode.Ok;
    }

    private static Task<int> ShowAsync(JsonObject row, CommandContext context, bool json) =>
        Fields.ShowAsync(json ? row : WithValueLines(row), context, json);

    /// <summary>Each value that opens the door as people read it.</summary>
    private static JsonObject WithValueLines(JsonObject row)
    {
        JsonObject shown = row.DeepClone().AsObject();
        if (shown["values"] is JsonArray values)
        {
            shown["values"] = string.Join(", ", values.OfType<JsonNode>().Select(value =>
                $"{Fields.Text(value, "key_name")}{(Fields.Text(value, "expires") is { Length: > 0 } end ? $" until {end}" : "")}"));
        }

        return shown;
    }
}
