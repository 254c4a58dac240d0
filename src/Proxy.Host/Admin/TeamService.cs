using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>What operators do to teams, in LiteLLM's words (litellm-compat.md §3.4).</summary>
internal sealed class TeamService(AdminContext context)
{
    public JsonObject Create(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        string teamId = request.Text("team_id") ?? Guid.NewGuid().ToString();
        if (PrincipalReader.Teams(writer.Connection, "WHERE team_id = $value", teamId).Count > 0)
        {
            throw AdminException.Invalid("team_id", "this team exists already");
        }

        TeamRow row = Fill(new TeamRow { TeamId = teamId, CreatedAtMs = writer.NowMs, CreatedBy = actor }, request, writer);
        List<MemberRow> members = [.. ReadMembers(request.Node("members_with_roles"), "members_with_roles", teamId, writer)];
        members.AddRange(request.Texts("members").Select(user => new MemberRow(teamId, user, "user", null)));
        request.Finish();
        writer.Put(row);
        foreach (MemberRow member in members.DistinctBy(member => member.UserId))
        {
            writer.Put(member);
        }

        return Done(writer, "team.create", row, before: null);
    }

    public JsonObject Update(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        TeamRow row = Get(writer.Connection, request.Required("team_id"));
        JsonObject before = Show(row, writer.Connection);
        TeamRow changed = Fill(row, request, writer) with { UpdatedAtMs = writer.NowMs, UpdatedBy = actor };
        decimal? spend = request.Money("spend");
        request.Finish();
        writer.Put(changed);
        if (spend is not null)
        {
            ScopeSpend.SetSpent(writer, "team", changed.TeamId, PrincipalSettings.Parse(changed.Settings), spend.Value);
        }

        return new JsonObject { ["team_id"] = row.TeamId, ["data"] = Done(writer, "team.update", changed, before) };
    }

    public JsonObject SetBlocked(JsonObject body, bool blocked, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        TeamRow row = Get(writer.Connection, request.Required("team_id"));
        request.Finish();
        JsonObject before = Show(row, writer.Connection);
        TeamRow changed = row with { Blocked = blocked, UpdatedAtMs = writer.NowMs, UpdatedBy = actor };
        writer.Put(changed);
        return Done(writer, blocked ? "team.block" : "team.unblock", changed, before);
    }

    /// <summary>With the keys of the team: without it they would be limited by nothing that it limited.</summary>
    public JsonObject Delete(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        List<TeamRow> rows = [.. request.Texts("team_ids").Select(id => Get(writer.Connection, id))];
        request.Finish();
        if (rows.Count == 0)
        {
            throw AdminException.Invalid("team_ids", "name at least one team");
        }

        foreach (TeamRow row in rows)
        {
            foreach (KeyChain key in PrincipalReader.KeyChains(writer.Connection, "WHERE team_id = $value", row.TeamId).Where(key => key.Current.TeamId == row.TeamId))
            {
                KeyService.Remove(writer, key);
            }

            writer.Audit("team.delete", "team", row.TeamId, Show(row, writer.Connection).ToJsonString(), null);
            writer.DeleteTeam(row.TeamId);
        }

        writer.Commit();
        context.PrincipalsChanged();
        return new JsonObject { ["deleted_teams"] = new JsonArray([.. rows.Select(row => (JsonNode)row.TeamId)]) };
    }

    /// <summary>Adds members, or changes those that are there.</summary>
    public JsonObject AddMembers(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        TeamRow row = Get(writer.Connection, request.Required("team_id"));
        JsonObject before = Show(row, writer.Connection);
        decimal? budget = request.Money("max_budget_in_team");
        List<MemberRow> members = [.. ReadMembers(request.Node("member"), "member", row.TeamId, writer)];
        if (members.Count == 0 && request.Text("user_id") is { } userId)
        {
            // member_update names its user flat.
            MemberRow? known = PrincipalReader.Members(writer.Connection, "WHERE team_id = $value", row.TeamId).FirstOrDefault(member => member.UserId == userId);
            members.Add(known ?? throw AdminException.NotFound("user_id", "is no member of this team"));
        }

        string? role = request.Text("role");
        _ = request.Text("user_email");
        request.Finish();
        if (members.Count == 0)
        {
            throw AdminException.Invalid("member", "must be {\"role\", \"user_id\"}, or a list of such");
        }

        foreach (MemberRow member in members)
        {
            writer.Put(member with { Role = role ?? member.Role, MaxBudgetNanoUsd = budget is null ? member.MaxBudgetNanoUsd : Money.ToNano(budget.Value) });
        }

        return Done(writer, "team.member_add", row, before);
    }

    public JsonObject RemoveMember(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        TeamRow row = Get(writer.Connection, request.Required("team_id"));
        string? userId = request.Text("user_id");
        string? email = request.Text("user_email");
        request.Finish();
        userId ??= email is null ? null : UserService.FindByEmail(writer.Connection, email);
        JsonObject before = Show(row, writer.Connection);
        if (userId is null || !writer.DeleteMember(row.TeamId, userId))
        {
            throw AdminException.NotFound("user_id", "is no member of this team");
        }

        return Done(writer, "team.member_delete", row, before);
    }

    public JsonObject Info(string teamId)
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(context.LedgerPath);
        TeamRow row = Get(connection, teamId);
        return new JsonObject
        {
            ["team_id"] = row.TeamId,
            ["team_info"] = Show(row, connection),
            ["keys"] = KeysOf(row, connection),
            ["team_memberships"] = MembershipsOf(row, connection),
        };
    }

    public JsonArray List()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(context.LedgerPath);
        JsonArray list = [];
        foreach (TeamRow row in PrincipalReader.Teams(connection, "", ""))
        {
            JsonObject team = Show(row, connection);
            team["team_memberships"] = MembershipsOf(row, connection);
            team["keys"] = KeysOf(row, connection);
            list.Add((JsonNode)team);
        }

        return list;
    }

    /// <exception cref="AdminException">404.</exception>
    public static TeamRow Get(SqliteConnection connection, string named)
    {
        IReadOnlyList<TeamRow> rows = PrincipalReader.Teams(connection, "WHERE team_id = $value", named);
        if (rows.Count == 0)
        {
            rows = PrincipalReader.Teams(connection, "WHERE alias = $value", named);
        }

        return rows.Count == 1 ? rows[0] : throw AdminException.NotFound("team_id", "there is no such team");
    }

    private JsonObject Show(TeamRow row, SqliteConnection connection) =>
        RowJson.OfTeam(row, PrincipalReader.Members(connection, "WHERE team_id = $value", row.TeamId), connection, context.NowMs);

    private JsonArray KeysOf(TeamRow row, SqliteConnection connection) =>
        new([.. PrincipalReader.KeyChains(connection, "WHERE team_id = $value", row.TeamId).Where(key => key.Current.TeamId == row.TeamId).Select(key => RowJson.OfKey(key, connection, context.NowMs))]);

    private static JsonArray MembershipsOf(TeamRow row, SqliteConnection connection) =>
        new([.. PrincipalReader.Members(connection, "WHERE team_id = $value", row.TeamId).Select(member => RowJson.OfMember(member, connection))]);

    private static TeamRow Fill(TeamRow row, RequestFields request, PrincipalWriter writer)
    {
        string? alias = request.Has("team_alias") ? request.Text("team_alias") : row.Alias;
        if (alias is not null && alias != row.Alias && PrincipalReader.Teams(writer.Connection, "WHERE alias = $value", alias).Count > 0)
        {
            throw AdminException.Invalid("team_alias", "another team has this alias");
        }

        return row with
        {
            Alias = alias,
            Blocked = request.Flag("blocked") ?? row.Blocked,
            Settings = SettingsRules.Merge(row.Settings, request),
            Metadata = request.Has("metadata") ? request.Object("metadata") is { Count: > 0 } metadata ? metadata.ToJsonString() : null : row.Metadata,
        };
    }

    private static IEnumerable<MemberRow> ReadMembers(JsonNode? node, string name, string teamId, PrincipalWriter writer)
    {
        IEnumerable<JsonNode?> items = node switch { null => [], JsonArray array => array, _ => new JsonNode?[] { node } };
        foreach (JsonNode? item in items)
        {
            RequestFields member = new(item as JsonObject ?? throw AdminException.Invalid(name, "must be {\"role\", \"user_id\"}, or a list of such"));
            string role = member.Text("role") ?? "user";
            string? userId = member.Text("user_id");
            string? email = member.Text("user_email");
            member.Finish();
            if (role is not ("admin" or "user"))
            {
                throw AdminException.Invalid($"{name}.role", "must be admin or user");
            }

            userId ??= email is null ? null : UserService.FindByEmail(writer.Connection, email) ?? email;
            if (userId is null)
            {
                throw AdminException.Invalid($"{name}.user_id", "is missing");
            }

            if (PrincipalReader.Users(writer.Connection, "WHERE user_id = $value", userId).Count == 0)
            {
                writer.Put(new UserRow { UserId = userId, Email = email, CreatedAtMs = writer.NowMs, CreatedBy = writer.Actor });
            }

            yield return new MemberRow(teamId, userId, role, null);
        }
    }

    private JsonObject Done(PrincipalWriter writer, string action, TeamRow row, JsonObject? before)
    {
        JsonObject after = Show(row, writer.Connection);
        writer.Audit(action, "team", row.TeamId, before?.ToJsonString(), after.ToJsonString());
        writer.Commit();
        context.PrincipalsChanged();
        return after;
    }

    private PrincipalWriter Write(string actor) => new(context.LedgerPath, context.BusyTimeout, actor, context.NowMs);
}
