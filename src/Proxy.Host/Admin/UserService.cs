using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>What operators do to users, in LiteLLM's words (litellm-compat.md §3.4).</summary>
internal sealed class UserService(AdminContext context, KeyService keys)
{
    private static readonly HashSet<string> Roles = new(StringComparer.Ordinal)
    {
        "proxy_admin", "proxy_admin_viewer", "org_admin", "internal_user", "internal_user_viewer", "team", "customer",
    };

    public JsonObject Create(JsonObject body, string actor)
    {
        string userId;
        bool makesKey;
        JsonObject answer;
        using (PrincipalWriter writer = Write(actor))
        {
            RequestFields request = new(body);
            userId = request.Text("user_id") ?? Guid.NewGuid().ToString();
            makesKey = request.Flag("auto_create_key") ?? true;
            if (PrincipalReader.Users(writer.Connection, "WHERE user_id = $value", userId).Count > 0)
            {
                throw AdminException.Invalid("user_id", "this user exists already");
            }

            UserRow row = Fill(new UserRow { UserId = userId, CreatedAtMs = writer.NowMs, CreatedBy = actor }, request, writer);
            IReadOnlyList<string> teams = request.Texts("teams");
            request.Finish();
            writer.Put(row);
            foreach (string team in teams)
            {
                writer.Put(new MemberRow(TeamService.Get(writer.Connection, team).TeamId, userId, "user", null));
            }

            answer = Done(writer, "user.create", row, before: null);
        }

        answer["key"] = null;
        answer["expires"] = null;
        if (makesKey)
        {
            JsonObject key = keys.Generate(new JsonObject { ["user_id"] = userId }, actor);
            answer["key"] = key["key"]!.DeepClone();
            answer["token"] = key["token"]!.DeepClone();
        }

        return answer;
    }

    public JsonObject Update(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        UserRow row = Get(writer.Connection, request.Text("user_id") ?? FindByEmail(writer.Connection, request.Text("user_email") ?? "") ?? throw AdminException.Invalid("user_id", "is missing"));
        JsonObject before = Show(row, writer.Connection);
        UserRow changed = Fill(row, request, writer) with { UpdatedAtMs = writer.NowMs, UpdatedBy = actor };
        decimal? spend = request.Money("spend");
        request.Finish();
        writer.Put(changed);
        if (spend is not null)
        {
            ScopeSpend.SetSpent(writer, "user", changed.UserId, PrincipalSettings.Parse(changed.Settings), spend.Value);
        }

        return new JsonObject { ["user_id"] = row.UserId, ["data"] = Done(writer, "user.update", changed, before) };
    }

    public JsonObject BulkUpdate(JsonObject body, string actor)
    {
        JsonArray results = [];
        int failed = 0;
        foreach (JsonNode? item in body["users"] as JsonArray ?? throw AdminException.Invalid("users", "must be a list of updates"))
        {
            try
            {
                JsonObject updated = Update(item as JsonObject ?? throw AdminException.Invalid("users", "must be a list of objects"), actor);
                results.Add((JsonNode)new JsonObject { ["user_id"] = updated["user_id"]!.DeepClone(), ["success"] = true });
            }
            catch (AdminException fault)
            {
                failed++;
                results.Add((JsonNode)new JsonObject { ["user_id"] = item?["user_id"]?.DeepClone(), ["success"] = false, ["error"] = fault.Message });
            }
        }

        return new JsonObject { ["results"] = results, ["total_requested"] = results.Count, ["successful_updates"] = results.Count - failed, ["failed_updates"] = failed };
    }

    /// <summary>With the user's keys.</summary>
    public JsonObject Delete(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        List<UserRow> rows = [.. request.Texts("user_ids").Select(id => Get(writer.Connection, id))];
        request.Finish();
        if (rows.Count == 0)
        {
            throw AdminException.Invalid("user_ids", "name at least one user");
        }

        foreach (UserRow row in rows)
        {
            foreach (KeyChain key in PrincipalReader.KeyChains(writer.Connection, "WHERE user_id = $value", row.UserId).Where(key => key.Current.UserId == row.UserId))
            {
                KeyService.Remove(writer, key);
            }

            writer.Audit("user.delete", "user", row.UserId, Show(row, writer.Connection).ToJsonString(), null);
            writer.DeleteUser(row.UserId);
        }

        writer.Commit();
        context.PrincipalsChanged();
        return new JsonObject { ["deleted_users"] = new JsonArray([.. rows.Select(row => (JsonNode)row.UserId)]) };
    }

    public JsonObject Info(string userId)
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(context.LedgerPath);
        UserRow row = Get(connection, userId);
        IReadOnlyList<MemberRow> memberships = PrincipalReader.Members(connection, "WHERE user_id = $value", row.UserId);
        return new JsonObject
        {
            ["user_id"] = row.UserId,
            ["user_info"] = Show(row, connection),
            ["keys"] = new JsonArray([.. PrincipalReader.KeyChains(connection, "WHERE user_id = $value", row.UserId).Where(key => key.Current.UserId == row.UserId).Select(key => RowJson.OfKey(key, connection, context.NowMs))]),
            ["teams"] = new JsonArray([.. memberships.Select(member => RowJson.OfMember(member, connection))]),
        };
    }

    public JsonObject List(int page, int size)
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(context.LedgerPath);
        IReadOnlyList<UserRow> rows = PrincipalReader.Users(connection, "", "");
        return new JsonObject
        {
            ["users"] = new JsonArray([.. rows.Skip((page - 1) * size).Take(size).Select(row => Show(row, connection))]),
            ["total"] = rows.Count,
            ["page"] = page,
            ["page_size"] = size,
            ["total_pages"] = (rows.Count + size - 1) / size,
        };
    }

    public static string? FindByEmail(SqliteConnection connection, string email) =>
        PrincipalReader.Users(connection, "WHERE email = $value", email) is [UserRow row] ? row.UserId : null;

    private static UserRow Get(SqliteConnection connection, string userId) =>
        PrincipalReader.Users(connection, "WHERE user_id = $value", userId) is [UserRow row, ..] ? row : throw AdminException.NotFound("user_id", "there is no such user");

    private JsonObject Show(UserRow row, SqliteConnection connection) =>
        RowJson.OfUser(row, PrincipalReader.Members(connection, "WHERE user_id = $value", row.UserId), connection, context.NowMs);

    private static UserRow Fill(UserRow row, RequestFields request, PrincipalWriter writer)
    {
        string? email = request.Has("user_email") ? request.Text("user_email") : row.Email;
        if (email is not null && email != row.Email && FindByEmail(writer.Connection, email) is not null)
        {
            throw AdminException.Invalid("user_email", "another user has this address");
        }

        string? role = request.Has("user_role") ? request.Text("user_role") : row.Role;
        if (role is not null && !Roles.Contains(role))
        {
            throw AdminException.Invalid("user_role", $"must be one of {string.Join(", ", Roles)}");
        }

        return row with
        {
            Email = email,
            Alias = request.Has("user_alias") ? request.Text("user_alias") : row.Alias,
            Role = role,
            Blocked = request.Flag("blocked") ?? row.Blocked,
            Settings = SettingsRules.Merge(row.Settings, request),
            Metadata = request.Has("metadata") ? request.Object("metadata") is { Count: > 0 } metadata ? metadata.ToJsonString() : null : row.Metadata,
        };
    }

    private JsonObject Done(PrincipalWriter writer, string action, UserRow row, JsonObject? before)
    {
        JsonObject after = Show(row, writer.Connection);
        writer.Audit(action, "user", row.UserId, before?.ToJsonString(), after.ToJsonString());
        writer.Commit();
        context.PrincipalsChanged();
        return after;
    }

    private PrincipalWriter Write(string actor) => new(context.LedgerPath, context.BusyTimeout, actor, context.NowMs);
}
