using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Core.Admission;
using Proxy.Host.Admin;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Import;

/// <summary>
/// Brings keys (hashes), teams, users, budgets and what was spent over from LiteLLM: all or nothing, and again as often as one likes. What was
/// edited here since is left alone, and nothing is ever deleted.
/// </summary>
internal sealed class LiteLlmImport(string ledgerPath, TimeSpan busyTimeout, TimeProvider time, bool strict)
{
    private const string Actor = "import";

    private readonly ImportReport _report = new();
    private readonly Dictionary<string, ImportRow> _budgets = new(StringComparer.Ordinal);

    /// <param name="read">Gives the rows of a table by its LiteLLM name.</param>
    /// <exception cref="ImportException">The source cannot be read, or with <c>strict</c> a row cannot be imported; then nothing was changed.</exception>
    public async Task<ImportReport> RunAsync(Func<string, Task<IReadOnlyList<ImportRow>>> read, bool dryRun)
    {
        // All of it first: a source that breaks off half-way changes nothing, and the ledger is not locked while a network is waited for.
        IReadOnlyList<ImportRow> budgets = await read("LiteLLM_BudgetTable");
        IReadOnlyList<ImportRow> teams = await read("LiteLLM_TeamTable");
        IReadOnlyList<ImportRow> users = await read("LiteLLM_UserTable");
        IReadOnlyList<ImportRow> members = await read("LiteLLM_TeamMembership");
        IReadOnlyList<ImportRow> keys = await read("LiteLLM_VerificationToken");

        using PrincipalWriter writer = new(ledgerPath, busyTimeout, Actor, time.GetUtcNow().ToUnixTimeMilliseconds());
        Each(budgets, row => _budgets[row.Required("budget_id")] = row);
        Each(teams, row => TakeTeam(row, writer));
        Each(users, row => TakeUser(row, writer));
        Each(members, row => TakeMember(row, writer));
        Each(keys, row => TakeKey(row, writer));
        if (!dryRun)
        {
            writer.Commit();
        }

        return _report;
    }

    private void Each(IReadOnlyList<ImportRow> rows, Action<ImportRow> take)
    {
        foreach (ImportRow row in rows)
        {
            try
            {
                take(row);
            }
            catch (ImportException fault) when (!strict)
            {
                _report.Break(fault.Message);
            }
        }
    }

    private void TakeTeam(ImportRow row, PrincipalWriter writer)
    {
        string id = Name(row, "team_id");
        TeamRow? known = PrincipalReader.Teams(writer.Connection, "WHERE team_id = $value", id) is [TeamRow found] ? found : null;
        TeamRow team = (known ?? new TeamRow { TeamId = id, CreatedAtMs = CreatedAt(row, writer), CreatedBy = Actor }) with
        {
            Alias = row.Text("team_alias"),
            Blocked = row.Flag("blocked"),
            Settings = SettingsOf(row, $"team {id}"),
            Metadata = row.Json("metadata")?.ToJsonString(),
        };
        if (Decide($"team {team.Alias ?? id}", known, team, (known?.UpdatedBy ?? known?.CreatedBy) == Actor))
        {
            team = known is null ? team : team with { UpdatedAtMs = writer.NowMs, UpdatedBy = Actor };
            writer.Put(team);
            writer.Audit(known is null ? "team.create" : "team.update", "team", id, null, team.Settings);
        }

        foreach (JsonNode? member in row.Json("members_with_roles") as JsonArray ?? [])
        {
            if (member?["user_id"]?.ToString() is { Length: > 0 } user && !HasMember(writer, id, user))
            {
                writer.Put(new MemberRow(id, user, member["role"]?.ToString() == "admin" ? "admin" : "user", null));
            }
        }

        TakeSpend(row, writer, "team", id, known is null || (known.UpdatedBy ?? known.CreatedBy) == Actor);
    }

    private void TakeUser(ImportRow row, PrincipalWriter writer)
    {
        string id = Name(row, "user_id");
        UserRow? known = PrincipalReader.Users(writer.Connection, "WHERE user_id = $value", id) is [UserRow found] ? found : null;
        UserRow user = (known ?? new UserRow { UserId = id, CreatedAtMs = CreatedAt(row, writer), CreatedBy = Actor }) with
        {
            Email = row.Text("user_email"),
            Alias = row.Text("user_alias"),
            Role = row.Text("user_role"),
            Settings = SettingsOf(row, $"user {id}"),
            Metadata = row.Json("metadata")?.ToJsonString(),
        };
        if (Decide($"user {user.Email ?? id}", known, user, (known?.UpdatedBy ?? known?.CreatedBy) == Actor))
        {
            user = known is null ? user : user with { UpdatedAtMs = writer.NowMs, UpdatedBy = Actor };
            writer.Put(user);
            writer.Audit(known is null ? "user.create" : "user.update", "user", id, null, user.Settings);
        }

        TakeSpend(row, writer, "user", id, known is null || (known.UpdatedBy ?? known.CreatedBy) == Actor);
    }

    private void TakeMember(ImportRow row, PrincipalWriter writer)
    {
        string team = Name(row, "team_id");
        string user = Name(row, "user_id");
        MemberRow? known = PrincipalReader.Members(writer.Connection, "WHERE team_id = $value", team).FirstOrDefault(member => member.UserId == user);
        decimal? budget = row.Text("budget_id") is { } id && _budgets.TryGetValue(id, out ImportRow? limits) ? limits.Money("max_budget") : null;
        MemberRow member = new(team, user, known?.Role ?? "user", budget is null ? known?.MaxBudgetNanoUsd : Money.ToNano(budget.Value));
        if (member != known)
        {
            writer.Put(member);
        }
    }

    private void TakeKey(ImportRow row, PrincipalWriter writer)
    {
        string token = row.Required("token");
        bool isHash = token.Length == 64 && token.All(char.IsAsciiHexDigit);
        string hash = isHash ? token.ToLowerInvariant() : KeyHash.Of(token);
        KeyRow? known = KeyService.Find(writer.Connection, hash);
        string? alias = row.Text("key_alias");
        string what = $"key {alias ?? row.Text("key_name") ?? hash[..12]}";
        KeyRow key = (known ?? new KeyRow { Hash = hash, ScopeId = hash, CreatedAtMs = CreatedAt(row, writer), CreatedBy = Actor }) with
        {
            Name = row.Text("key_name"),
            Alias = alias,
            TeamId = row.Text("team_id"),
            UserId = row.Text("user_id"),
            Blocked = row.Flag("blocked"),
            ExpiresAtMs = row.Time("expires")?.ToUnixTimeMilliseconds(),
            Settings = SettingsOf(row, what),
            Metadata = row.Json("metadata")?.ToJsonString(),
        };
        if (alias is not null && PrincipalReader.Keys(writer.Connection, "WHERE alias = $value", alias).Any(other => other.Hash != hash && other.ReplacedBy is null))
        {
            throw new ImportException($"{row.Where}: another key here has the alias {alias}");
        }

        if (Decide(what, known, key, (known?.UpdatedBy ?? known?.CreatedBy) == Actor))
        {
            key = known is null ? key : key with { UpdatedAtMs = writer.NowMs, UpdatedBy = Actor };
            writer.Put(key);
            writer.Audit(known is null ? "key.create" : "key.update", "key", hash, null, key.Settings);
        }

        TakeSpend(row, writer, "key", hash, known is null || (known.UpdatedBy ?? known.CreatedBy) == Actor);
    }

    /// <summary>What LiteLLM has counted in the window that is current there counts here too.</summary>
    private void TakeSpend(ImportRow row, PrincipalWriter writer, string kind, string id, bool isOurs)
    {
        decimal spend = row.Money("spend") ?? 0;
        bool isOver = row.Time("budget_reset_at") is { } reset && reset.ToUnixTimeMilliseconds() <= writer.NowMs;
        if (!isOurs || isOver || !BudgetPeriod.TryParse(BudgetField(row, "budget_duration"), out BudgetPeriod period))
        {
            return;
        }

        AdjustmentRow adjustment = new(kind, id, period.ToString(), period.StartOf(writer.NowMs), Money.ToNano(spend));
        if (spend > 0 && !Holds(writer.Connection, adjustment))
        {
            writer.Put(adjustment);
        }
    }

    private static bool Holds(SqliteConnection connection, AdjustmentRow row)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT EXISTS (SELECT 1 FROM budget_adjustments WHERE kind = $kind AND id = $id AND duration = $duration AND window_start_ms = $start AND nano_usd = $nano)";
        command.Parameters.AddWithValue("$kind", row.Kind);
        command.Parameters.AddWithValue("$id", row.Id);
        command.Parameters.AddWithValue("$duration", row.Duration);
        command.Parameters.AddWithValue("$start", row.WindowStartMs);
        command.Parameters.AddWithValue("$nano", row.NanoUsd);
        return (long)command.ExecuteScalar()! != 0;
    }

    private bool Decide<T>(string what, T? known, T wanted, bool isOurs)
        where T : class
    {
        if (known is null)
        {
            _report.Add(what);
            return true;
        }

        if (wanted.Equals(known))
        {
            _report.Same();
            return false;
        }

        if (!isOurs)
        {
            _report.Keep(what);
            return false;
        }

        _report.Update(what);
        return true;
    }

    private static bool HasMember(PrincipalWriter writer, string team, string user) =>
        PrincipalReader.Members(writer.Connection, "WHERE team_id = $value", team).Any(member => member.UserId == user);

    private static string Name(ImportRow row, string column)
    {
        string name = row.Required(column);
        return name.Length <= 128 && !name.Any(char.IsControl) ? name : throw new ImportException($"{row.Where}: {column} is longer than 128 characters or not printable");
    }

    private static long CreatedAt(ImportRow row, PrincipalWriter writer) => row.Time("created_at")?.ToUnixTimeMilliseconds() ?? writer.NowMs;

    /// <summary>A limit of the row itself, else of the budget it refers to.</summary>
    private string? BudgetField(ImportRow row, string column) =>
        row.Text(column) ?? (row.Text("budget_id") is { } id && _budgets.TryGetValue(id, out ImportRow? budget) ? budget.Text(column) : null);

    private string? SettingsOf(ImportRow row, string what)
    {
        JsonObject settings = [];
        JsonObject metadata = row.Json("metadata") as JsonObject ?? [];
        ImportRow? budget = row.Text("budget_id") is { } id && _budgets.TryGetValue(id, out ImportRow? found) ? found : null;
        void Set(string name, JsonNode? value)
        {
            if (value is not null)
            {
                settings[name] = value;
            }
        }

        IReadOnlyList<string> models = row.Texts("models");
        Set("models", models.Count == 0 ? null : new JsonArray([.. models.Select(model => (JsonNode)model)]));
        foreach (string money in new[] { "max_budget", "soft_budget" })
        {
            Set(money, row.Money(money) ?? budget?.Money(money));
        }

        foreach (string count in new[] { "tpm_limit", "rpm_limit", "max_parallel_requests" })
        {
            Set(count, row.Count(count) ?? budget?.Count(count));
        }

        if (BudgetField(row, "budget_duration") is { } duration)
        {
            Set("budget_duration", BudgetPeriod.TryParse(duration, out _) ? duration : throw new ImportException($"{row.Where}: budget_duration is no period"));
        }

        Set("model_max_budget", ModelBudgets(row.Json("model_max_budget") ?? budget?.Json("model_max_budget"), row));
        foreach (string name in new[] { "model_rpm_limit", "model_tpm_limit", "tags" })
        {
            Set(name, metadata[name] is JsonObject { Count: > 0 } or JsonArray { Count: > 0 } ? metadata[name]!.DeepClone() : null);
        }

        Explain(row, what);
        return settings.Count == 0 ? null : settings.ToJsonString();
    }

    private static JsonObject? ModelBudgets(JsonNode? node, ImportRow row)
    {
        if (node is not JsonObject models)
        {
            return null;
        }

        JsonObject read = [];
        foreach ((string model, JsonNode? budget) in models)
        {
            // Older releases wrote {"budget_limit", "time_period"}, newer ones {"max_budget", "budget_duration"}.
            JsonNode? limit = budget?["budget_limit"] ?? budget?["max_budget"];
            JsonNode? period = budget?["time_period"] ?? budget?["budget_duration"];
            read[model] = limit is null ? throw new ImportException($"{row.Where}: model_max_budget of {model} has no limit") : new JsonObject { ["budget_limit"] = limit.DeepClone(), ["time_period"] = period?.DeepClone() };
        }

        return read;
    }

    /// <summary>What LiteLLM had set and this gateway does not do.</summary>
    private void Explain(ImportRow row, string what)
    {
        foreach ((string column, string meaning) in new[]
        {
            ("aliases", "model aliases are not applied: clients must name the model they mean"),
            ("allowed_cache_controls", "cache controls are not limited"),
            ("config", "its config is kept nowhere"),
            ("organization_id", "organizations and their budgets are not imported"),
        })
        {
            if (row.Text(column) is { } text && text is not ("{}" or "[]"))
            {
                _report.Note($"{what}: {meaning}");
            }
        }

        if (row.Texts("allowed_routes").Any(route => route is not ("llm_api_routes" or "llm_api")))
        {
            _report.Note($"{what}: allowed_routes is not applied; a virtual key reaches no management route here in any case");
        }
    }
}
