using System.Text.Json.Nodes;

namespace Proxy.Host.Tests.Admin;

/// <summary>Teams and users in the shapes of LiteLLM (litellm-compat.md §3.4).</summary>
public sealed class TeamApiTests
{
    [Fact]
    public async Task A_team_is_made_shown_and_listed_with_its_keys_and_members()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        JsonObject team = await admin.PostAsync("/team/new", """
            {"team_alias":"core","team_id":null,"organization_id":null,"admins":[],"members":[],
             "members_with_roles":[{"role":"admin","user_id":"u1"},{"role":"user","user_email":"a@b.c"}],
             "team_member_permissions":["/key/generate"],"metadata":{},"tags":[],"models":[],"model_aliases":{},
             "tpm_limit":null,"rpm_limit":null,"tpd_limit":null,"max_budget":500,"soft_budget":null,"budget_duration":"30d","budget_limits":null,
             "team_member_budget":50,"team_member_key_duration":"30d","default_team_member_models":[],"blocked":false,
             "guardrails":[],"object_permission":null,"router_settings":null,"access_group_ids":[]}
            """);
        string id = team["team_id"]!.GetValue<string>();
        foreach (string field in new[] { "team_alias", "spend", "max_parallel_requests", "budget_reset_at", "created_at", "members_with_roles", "models", "max_budget" })
        {
            Assert.True(team.ContainsKey(field), field);
        }

        Assert.Equal(0m, team["spend"]!.GetValue<decimal>());
        (_, string hash) = await admin.NewKeyAsync($$"""{"team_id":"{{id}}","user_id":"u1"}""");
        JsonObject info = (await admin.GetAsync($"/team/info?team_id={id}")).AsObject();
        Assert.Equal(["team_id", "team_info", "keys", "team_memberships"], info.Select(field => field.Key));
        Assert.Equal(hash, info["keys"]![0]!["token"]!.GetValue<string>());
        Assert.Equal(["a@b.c", "u1"], info["team_memberships"]!.AsArray().Select(member => member!["user_id"]!.GetValue<string>()).Order(StringComparer.Ordinal));
        JsonNode listed = Assert.Single((await admin.GetAsync("/team/list")).AsArray())!;
        Assert.NotNull(listed["keys"]);
        Assert.NotNull(listed["team_memberships"]);
        Assert.Equal(1, (await admin.GetAsync("/v2/team/list"))["total"]!.GetValue<int>());
    }

    [Fact]
    public async Task Updating_blocking_and_members()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        await admin.PostAsync("/team/new", """{"team_id":"t1","team_alias":"core"}""");
        JsonObject updated = await admin.PostAsync("/team/update", """{"team_id":"t1","rpm_limit":5}""");
        Assert.Equal(("t1", 5), (updated["team_id"]!.GetValue<string>(), updated["data"]!["rpm_limit"]!.GetValue<int>()));
        Assert.True((await admin.PostAsync("/team/block", """{"team_id":"t1"}"""))["blocked"]!.GetValue<bool>());
        Assert.False((await admin.PostAsync("/team/unblock", """{"team_id":"t1"}"""))["blocked"]!.GetValue<bool>());
        await admin.PostAsync("/team/member_add", """{"team_id":"t1","member":{"role":"user","user_id":"u2"},"max_budget_in_team":10}""");
        JsonNode member = (await admin.GetAsync("/team/info?team_id=t1"))["team_memberships"]![0]!;
        Assert.Equal(("u2", 10m), (member["user_id"]!.GetValue<string>(), member["litellm_budget_table"]!["max_budget"]!.GetValue<decimal>()));
        await admin.PostAsync("/team/member_update", """{"team_id":"t1","user_id":"u2","max_budget_in_team":11,"role":"admin"}""");
        member = (await admin.GetAsync("/team/info?team_id=t1"))["team_memberships"]![0]!;
        Assert.Equal(("admin", 11m), (member["role"]!.GetValue<string>(), member["litellm_budget_table"]!["max_budget"]!.GetValue<decimal>()));
        await admin.PostAsync("/team/member_delete", """{"team_id":"t1","user_id":"u2"}""");
        await admin.PostAsync("/team/member_delete", """{"team_id":"t1","user_id":"u2"}""", 404);
        await admin.PostAsync("/team/update", """{"team_id":"nowhere"}""", 404);
        await admin.PostAsync("/team/new", """{"team_alias":"core"}""", 400);
    }

    [Fact]
    public async Task A_team_goes_with_its_keys()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        await admin.PostAsync("/team/new", """{"team_id":"t1"}""");
        (_, string hash) = await admin.NewKeyAsync("""{"team_id":"t1"}""");
        await admin.PostAsync("/team/delete", """{"team_ids":["t1"]}""");
        await admin.GetAsync($"/key/info?key={hash}", 404);
        await admin.GetAsync("/team/info?team_id=t1", 404);
    }

    [Fact]
    public async Task Users_are_made_with_a_key_and_go_with_their_keys()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        await admin.PostAsync("/team/new", """{"team_id":"t1"}""");
        JsonObject user = await admin.PostAsync("/user/new", """{"user_id":"u1","user_email":"a@b.c","user_role":"internal_user","max_budget":5,"budget_duration":"1d","models":[],"teams":["t1"]}""");
        Assert.StartsWith("sk-", user["key"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(("u1", 5m), (user["user_id"]!.GetValue<string>(), user["max_budget"]!.GetValue<decimal>()));
        Assert.True(user.ContainsKey("expires"));
        JsonObject info = (await admin.GetAsync("/user/info?user_id=u1")).AsObject();
        Assert.Equal(["user_id", "user_info", "keys", "teams"], info.Select(field => field.Key));
        Assert.Equal((0m, 1, "t1"), (info["user_info"]!["spend"]!.GetValue<decimal>(), info["keys"]!.AsArray().Count, info["teams"]![0]!["team_id"]!.GetValue<string>()));
        JsonObject quiet = await admin.PostAsync("/user/new", """{"user_id":"u2","auto_create_key":false}""");
        Assert.Null(quiet["key"]);
        Assert.Equal(7, (await admin.PostAsync("/user/update", """{"user_id":"u2","rpm_limit":7}"""))["data"]!["rpm_limit"]!.GetValue<int>());
        Assert.Equal(1, (await admin.PostAsync("/user/bulk_update", """{"users":[{"user_id":"u1","rpm_limit":1},{"user_id":"nobody"}]}"""))["failed_updates"]!.GetValue<int>());
        Assert.Equal(2, (await admin.GetAsync("/user/list"))["total"]!.GetValue<int>());
        await admin.PostAsync("/user/new", """{"user_id":"u3","user_role":"king"}""", 400);
        await admin.PostAsync("/user/delete", """{"user_ids":["u1"]}""");
        Assert.Equal(0, (await admin.GetAsync("/key/list"))["total_count"]!.GetValue<int>());
    }
}
