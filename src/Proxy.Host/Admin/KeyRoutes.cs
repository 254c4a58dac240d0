using System.Text.Json.Nodes;

namespace Proxy.Host.Admin;

/// <summary>LiteLLM's routes for keys, teams and users.</summary>
internal static class KeyRoutes
{
    public static void MapKeys(this IEndpointRouteBuilder app, KeyService keys)
    {
        app.MapJson("/key/generate", "Creates a key, which is shown this once", keys.Generate);
        app.MapJson("/key/service-account/generate", "Creates a key without a user", keys.Generate);
        app.MapJson("/key/update", "Changes a key: absent fields stay, null ones are cleared", keys.Update);
        app.MapJson("/key/bulk_update", "Changes several keys", keys.BulkUpdate);
        app.MapJson("/key/delete", "Deletes keys by key, hash or alias", keys.Delete);
        app.MapJson("/key/block", "Blocks a key", (body, actor) => keys.SetBlocked(body, true, actor));
        app.MapJson("/key/unblock", "Unblocks a key", (body, actor) => keys.SetBlocked(body, false, actor));
        app.MapJson("/key/regenerate", "Puts a new key in the place of an old one", (body, actor) => keys.Regenerate(null, body, actor));
        app.MapPost("/key/{key}/regenerate", async Task (HttpContext http, string key) =>
            await AdminJson.WriteAsync(http, keys.Regenerate(key, await AdminJson.ReadAsync(http), AdminAuthorization.ActorOf(http))));
        app.MapPost("/key/{key}/reset_spend", async Task (HttpContext http, string key) =>
            await AdminJson.WriteAsync(http, keys.ResetSpend(key, await AdminJson.ReadAsync(http), AdminAuthorization.ActorOf(http))));
        app.MapGet("/key/info", Task (HttpContext http, string? key) => AdminJson.WriteAsync(
            http,
            AdminAuthorization.HolderOf(http) is { } holder ? keys.InfoOfHolder(holder) ?? throw AdminAuthorization.NotTheAdminKey()
            : keys.Info(key ?? AdminAuthorization.PresentedKey(http) ?? throw AdminException.Invalid("key", "is missing"))));
        app.MapJson("/v2/key/info", "Several keys", (body, _) => keys.InfoOfMany(body));
        app.MapGet("/key/aliases", Task (HttpContext http) => AdminJson.WriteAsync(http, keys.Aliases()));
        app.MapGet("/key/list", Task (HttpContext http, int? page, int? size, string? user_id, string? team_id, string? key_alias, bool? return_full_object) =>
            AdminJson.WriteAsync(http, keys.List(new KeyFilter(
                AdminJson.InRange(page ?? 1, 1, int.MaxValue, "page"), AdminJson.InRange(size ?? 10, 1, 1000, "size"), user_id, team_id, key_alias, return_full_object ?? false))));
        app.MapJson("/key/health", "Whether a key works", (_, _) => new JsonObject { ["key"] = "healthy", ["logging_callbacks"] = null });
    }

    public static void MapTeams(this IEndpointRouteBuilder app, TeamService teams)
    {
        app.MapJson("/team/new", "Creates a team", teams.Create);
        app.MapJson("/team/update", "Changes a team", teams.Update);
        app.MapJson("/team/delete", "Deletes teams with their keys", teams.Delete);
        app.MapJson("/team/block", "Blocks a team's keys", (body, actor) => teams.SetBlocked(body, true, actor));
        app.MapJson("/team/unblock", "Unblocks a team's keys", (body, actor) => teams.SetBlocked(body, false, actor));
        app.MapJson("/team/member_add", "Adds members", teams.AddMembers);
        app.MapJson("/team/member_update", "Changes a member's role or budget", teams.AddMembers);
        app.MapJson("/team/member_delete", "Removes a member", teams.RemoveMember);
        app.MapGet("/team/info", Task (HttpContext http, string? team_id) => AdminJson.WriteAsync(http, teams.Info(team_id ?? throw AdminException.Invalid("team_id", "is missing"))));
        app.MapGet("/team/list", Task (HttpContext http) => AdminJson.WriteAsync(http, teams.List()));
        app.MapGet("/team/available", Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonArray()));
        app.MapGet("/v2/team/list", Task (HttpContext http, int? page, int? page_size) =>
        {
            JsonArray all = teams.List();
            int size = AdminJson.InRange(page_size ?? 10, 1, 1000, "page_size");
            int number = AdminJson.InRange(page ?? 1, 1, int.MaxValue, "page");
            return AdminJson.WriteAsync(http, new JsonObject
            {
                ["teams"] = new JsonArray([.. all.Skip((number - 1) * size).Take(size).Select(team => team?.DeepClone())]),
                ["total"] = all.Count,
                ["page"] = number,
                ["page_size"] = size,
                ["total_pages"] = (all.Count + size - 1) / size,
            });
        });
    }

    public static void MapUsers(this IEndpointRouteBuilder app, UserService users)
    {
        app.MapJson("/user/new", "Creates a user, with a key unless auto_create_key is false", users.Create);
        app.MapJson("/user/update", "Changes a user", users.Update);
        app.MapJson("/user/bulk_update", "Changes several users", users.BulkUpdate);
        app.MapJson("/user/delete", "Deletes users with their keys", users.Delete);
        app.MapGet("/user/info", Task (HttpContext http, string? user_id) => AdminJson.WriteAsync(http, users.Info(user_id ?? throw AdminException.Invalid("user_id", "is missing"))));
        app.MapGet("/user/list", Task (HttpContext http, int? page, int? page_size) => AdminJson.WriteAsync(
            http, users.List(AdminJson.InRange(page ?? 1, 1, int.MaxValue, "page"), AdminJson.InRange(page_size ?? 25, 1, 1000, "page_size"))));
    }
}
