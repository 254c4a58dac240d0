using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Host.Configuration;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Admin;

/// <summary>Keys in the shapes of LiteLLM (litellm-compat.md §3.3, §3.6).</summary>
public sealed class KeyApiTests
{
    private const string Everything = """
        {"key_alias":"alice-cc","duration":"30d","models":["claude-sonnet-5"],"max_budget":50.0,"soft_budget":40.0,"budget_duration":"30d",
         "budget_limits":[{"budget_duration":"24h","max_budget":5},{"budget_duration":"30d","max_budget":50}],
         "tpm_limit":200000,"rpm_limit":60,"max_parallel_requests":8,"model_tpm_limit":{},"model_rpm_limit":{"claude-opus-5":5},
         "model_max_budget":{"claude-opus-5":{"budget_limit":10,"time_period":"1d"}},
         "user_id":"u1","organization_id":null,"project_id":null,"agent_id":null,"budget_id":null,"metadata":{"cost_center":"42"},"tags":["dev"],"permissions":{},"aliases":{},"config":{},
         "allowed_routes":["llm_api_routes"],"allowed_passthrough_routes":[],"allowed_cache_controls":[],"guardrails":[],"policies":[],"prompts":[],"object_permission":null,
         "access_group_ids":[],"enforced_params":[],"key_type":"llm_api","blocked":false,"spend":0,"rpm_limit_type":null,"tpm_limit_type":null,
         "auto_rotate":false,"rotation_interval":null,"send_invite_email":false,"router_settings":null}
        """;

    [Fact]
    public async Task Generate_takes_every_field_of_LiteLLM_and_answers_in_its_shape()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        JsonObject answer = await admin.PostAsync("/key/generate", Everything);
        string key = answer["key"]!.GetValue<string>();
        Assert.Matches("^sk-[A-Za-z0-9_-]{22,}$", key);
        Assert.Equal($"sk-...{key[^4..]}", answer["key_name"]!.GetValue<string>());
        Assert.Equal(KeyHash.Of(key), answer["token"]!.GetValue<string>());
        Assert.Equal(KeyHash.Of(key), answer["token_id"]!.GetValue<string>());
        Assert.Equal("2026-12-23T12:00:00.000Z", answer["expires"]!.GetValue<string>());
        Assert.Equal("u1", answer["user_id"]!.GetValue<string>());
        Assert.Equal(50m, answer["max_budget"]!.GetValue<decimal>());
        Assert.Equal("42", answer["metadata"]!["cost_center"]!.GetValue<string>());
        Assert.Equal(5, answer["budget_limits"]![0]!["max_budget"]!.GetValue<int>());
        foreach (string field in new[] { "litellm_budget_table", "created_by", "created_at", "updated_by", "updated_at" })
        {
            Assert.True(answer.ContainsKey(field), field);
        }

        JsonObject info = (await admin.GetAsync($"/key/info?key={key}")).AsObject();
        foreach (string field in new[]
        {
            "token", "key_name", "key_alias", "spend", "expires", "models", "aliases", "config", "user_id", "team_id", "permissions", "max_parallel_requests", "metadata", "blocked",
            "tpm_limit", "rpm_limit", "max_budget", "budget_duration", "budget_reset_at", "allowed_cache_controls", "model_spend", "model_max_budget", "created_at", "updated_at",
        })
        {
            Assert.True(info["info"]!.AsObject().ContainsKey(field), field);
        }

        Assert.Equal("2026-12-01T00:00:00.000Z", info["info"]!["budget_reset_at"]!.GetValue<string>());
        Assert.Equal("u1", (await admin.GetAsync("/user/info?user_id=u1"))["user_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_key_in_clear_is_shown_once_and_kept_nowhere()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        const string Own = "sk-my-own-key-0123456789";
        (string random, _) = await admin.NewKeyAsync();
        (string own, _) = await admin.NewKeyAsync($$"""{"key":"{{Own}}"}""");
        Assert.Equal(Own, own);
        string refused = (await admin.PostAsync("/key/generate", $$"""{"key":"{{Own}}"}""", 400)).ToJsonString();
        string unknown = (await admin.GetAsync("/key/info?key=sk-nobody-knows-this-key", 404)).ToJsonString();
        string all = (await admin.GetAsync("/key/list?return_full_object=true")).ToJsonString() + refused + unknown + (await admin.GetAsync("/audit")).ToJsonString()
            + (await admin.GetAsync($"/key/info?key={Own}")).ToJsonString() + admin.ReadLedgerFiles() + admin.Logs;
        Assert.DoesNotContain(random, all, StringComparison.Ordinal);
        Assert.DoesNotContain(Own, all, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-nobody-knows", unknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_changes_what_is_named_clears_what_is_null_and_leaves_the_rest()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        (string key, string hash) = await admin.NewKeyAsync("""{"rpm_limit":5,"tpm_limit":7,"key_alias":"a","metadata":{"x":1}}""");
        JsonObject row = await admin.PostAsync("/key/update", $$"""{"key":"{{key}}","rpm_limit":9,"tpm_limit":null,"temp_budget_increase":20,"temp_budget_expiry":"2026-12-01"}""");
        Assert.Equal(9, row["rpm_limit"]!.GetValue<int>());
        Assert.Null(row["tpm_limit"]);
        Assert.Equal("a", row["key_alias"]!.GetValue<string>());
        Assert.Equal(1, row["metadata"]!["x"]!.GetValue<int>());
        Assert.Equal("2026-12-01T00:00:00.000Z", row["temp_budget_expiry"]!.GetValue<string>());
        Assert.Equal(hash, row["key"]!.GetValue<string>());
        await admin.PostAsync("/key/update", """{"key":"a","temp_budget_expiry":null}""", 400);
        await admin.PostAsync("/key/update", """{"key":"a","temp_budget_expiry":null,"temp_budget_increase":null}""");
    }

    [Theory]
    [InlineData("""{"max_budgt":5}""", "max_budgt", "did you mean max_budget")]
    [InlineData("""{"max_budget":-1}""", "max_budget", "0 to")]
    [InlineData("""{"max_budget":"much"}""", "max_budget", "amount")]
    [InlineData("""{"budget_duration":"1y"}""", "budget_duration", "period")]
    [InlineData("""{"duration":"soon"}""", "duration", "length of time")]
    [InlineData("""{"rpm_limit":1.5}""", "rpm_limit", "whole number")]
    [InlineData("""{"models":"claude"}""", "models", "list")]
    [InlineData("""{"budget_limits":[{"max_budget":5,"x":1}]}""", "budget_limits", "list of")]
    [InlineData("""{"reserve":"worst"}""", "reserve", "learned or worstCase")]
    [InlineData("""{"budget_limits":[{"max_budget":5,"reserve":1}]}""", "budget_limits.reserve", "learned or worstCase")]
    [InlineData("""{"model_max_budget":{"m":{"budget_limit":2,"reserve":"x"}}}""", "model_max_budget.m.reserve", "learned or worstCase")]
    [InlineData("""{"model_max_budget":{"m":{"budget_limit":-2}}}""", "model_max_budget.m.budget_limit", "amount")]
    [InlineData("""{"workspace_access":["everything"]}""", "workspace_access", "files")]
    [InlineData("""{"guardrails":["pii"]}""", "guardrails", "not supported")]
    [InlineData("""{"enforced_params":["user"]}""", "enforced_params", "not supported")]
    [InlineData("""{"allowed_routes":["/v1/models"]}""", "allowed_routes", "narrower")]
    [InlineData("""{"key_type":"management"}""", "key_type", "llm_api")]
    [InlineData("""{"key":"sk-short"}""", "key", "visible")]
    [InlineData("""{"key_alias":"a\u0000b"}""", "key_alias", "printable")]
    [InlineData("""{"blocked":"yes"}""", "blocked", "true or false")]
    public async Task What_is_wrong_is_said_with_the_field(string body, string param, string hint)
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        JsonNode error = (await admin.PostAsync("/key/generate", body, 400))["error"]!;
        Assert.Equal(("bad_request_error", param, "400"), (error["type"]!.GetValue<string>(), error["param"]!.GetValue<string>(), error["code"]!.GetValue<string>()));
        Assert.Contains(hint, error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(0, (await admin.GetAsync("/key/list"))["total_count"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"rpm_limit":1,"rpm_limit":2}""")]
    [InlineData("""{"team_id":"nowhere"}""")]
    public async Task Other_bad_bodies_are_refused_in_the_same_shape(string body)
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        using HttpResponseMessage response = await admin.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/key/generate") { Content = new StringContent(body, Encoding.UTF8, "application/json") });
        Assert.True(response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound);
        Assert.NotNull(JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"]!["message"]);
    }

    [Fact]
    public async Task An_alias_names_one_key()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        (_, string hash) = await admin.NewKeyAsync("""{"key_alias":"a"}""");
        await admin.PostAsync("/key/generate", """{"key_alias":"a"}""", 400);
        Assert.Equal(hash, (await admin.GetAsync("/key/info?key=a"))["info"]!["token"]!.GetValue<string>());
        Assert.Equal("a", (await admin.GetAsync("/key/aliases"))["aliases"]![0]!.GetValue<string>());
    }

    [Fact]
    public async Task Block_and_unblock_answer_with_the_row()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        (string key, _) = await admin.NewKeyAsync();
        Assert.True((await admin.PostAsync("/key/block", $$"""{"key":"{{key}}"}"""))["blocked"]!.GetValue<bool>());
        Assert.False((await admin.PostAsync("/key/unblock", $$"""{"key":"{{key}}"}"""))["blocked"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Deleted_keys_are_gone_and_kept_aside()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        (string key, string hash) = await admin.NewKeyAsync();
        (_, string other) = await admin.NewKeyAsync("""{"key_alias":"b"}""");
        JsonObject answer = await admin.PostAsync("/key/delete", $$"""{"keys":["{{key}}"],"key_aliases":["b"]}""");
        Assert.Equal([hash, other], answer["deleted_keys"]!.AsArray().Select(one => one!.GetValue<string>()));
        await admin.GetAsync($"/key/info?key={hash}", 404);
        using SqliteConnection connection = LedgerDatabase.OpenReader(admin.LedgerPath);
        Assert.Equal(2, connection.ReadLong("SELECT count(*) FROM deleted_keys"));
        await admin.PostAsync("/key/delete", """{"keys":["nobody"]}""", 404);
    }

    [Fact]
    public async Task Rotation_with_grace_lets_the_old_key_live_on_for_a_while()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        (string old, string oldHash) = await admin.NewKeyAsync("""{"key_alias":"a","rpm_limit":3,"max_budget":5}""");
        JsonObject fresh = await admin.PostAsync("/key/regenerate", $$"""{"key":"{{old}}","grace_period":"24h","rpm_limit":4}""");
        Assert.NotEqual(old, fresh["key"]!.GetValue<string>());
        Assert.Equal((4, 5m, "a"), (fresh["rpm_limit"]!.GetValue<int>(), fresh["max_budget"]!.GetValue<decimal>(), fresh["key_alias"]!.GetValue<string>()));
        JsonNode info = (await admin.GetAsync($"/key/info?key={oldHash}"))["info"]!;
        Assert.Equal((fresh["token"]!.GetValue<string>(), null), (info["token"]!.GetValue<string>(), info["expires"]));
        Assert.Equal("2026-11-24T12:00:00.000Z", info["values"]![0]!["expires"]!.GetValue<string>());
        await admin.PostAsync("/key/regenerate", $$"""{"key":"{{old}}"}""", 400);
        using SqliteConnection connection = LedgerDatabase.OpenReader(admin.LedgerPath);
        Assert.All(PrincipalReader.Keys(connection, "", ""), row => Assert.Equal(oldHash, row.ScopeId));
    }

    [Fact]
    public async Task Rotation_without_grace_ends_the_old_key_at_once()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        (_, string oldHash) = await admin.NewKeyAsync("""{"key_alias":"a"}""");
        JsonObject fresh = await admin.PostAsync("/key/a/regenerate", """{"new_key":"sk-the-new-one-0123456789"}""");
        Assert.Equal("sk-the-new-one-0123456789", fresh["key"]!.GetValue<string>());
        await admin.GetAsync($"/key/info?key={oldHash}", 404);
    }

    [Fact]
    public async Task Lists_are_paged_and_filtered()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        for (int i = 0; i < 5; i++)
        {
            await admin.NewKeyAsync($$"""{"user_id":"u{{i % 2}}","key_alias":"k{{i}}"}""");
        }

        JsonNode page = await admin.GetAsync("/key/list?page=2&size=2");
        Assert.Equal((2, 5, 2, 3), (page["keys"]!.AsArray().Count, page["total_count"]!.GetValue<int>(), page["current_page"]!.GetValue<int>(), page["total_pages"]!.GetValue<int>()));
        Assert.Equal(64, page["keys"]![0]!.GetValue<string>().Length);
        JsonNode mine = await admin.GetAsync("/key/list?user_id=u1&return_full_object=true");
        Assert.Equal(["k1", "k3"], mine["keys"]!.AsArray().Select(key => key!["key_alias"]!.GetValue<string>()).Order());
        await admin.GetAsync("/key/list?page=0", 400);
        Assert.Single((await admin.PostAsync("/v2/key/info", $$"""{"keys":["{{page["keys"]![0]!.GetValue<string>()}}","nobody"]}"""))["info"]!.AsArray());
    }

    [Fact]
    public async Task Every_change_is_audited_with_who_and_what()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        await admin.NewKeyAsync("""{"key_alias":"a"}""");
        await admin.PostAsync("/key/update", """{"key":"a","rpm_limit":2}""");
        await admin.PostAsync("/key/delete", """{"key_aliases":["a"]}""");
        JsonArray rows = (await admin.GetAsync("/audit"))["audit_logs"]!.AsArray();
        Assert.Equal(["key.delete", "key.update", "key.create"], rows.Select(row => row!["action"]!.GetValue<string>()));
        Assert.All(rows, row => Assert.Equal("socket", row!["changed_by"]!.GetValue<string>()));
        Assert.Null(rows[1]!["before_value"]!["rpm_limit"]);
        Assert.Equal(2, rows[1]!["updated_values"]!["rpm_limit"]!.GetValue<int>());
        Assert.Null(rows[0]!["updated_values"]);
    }

    [Fact]
    public async Task Changes_of_one_key_at_once_all_take_effect()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        await admin.NewKeyAsync("""{"key_alias":"a"}""");
        string[] fields = ["rpm_limit", "tpm_limit", "max_parallel_requests", "max_budget", "soft_budget"];
        await Task.WhenAll(fields.Select(field => admin.PostAsync("/key/update", $$"""{"key":"a","{{field}}":7}""")));
        JsonNode info = (await admin.GetAsync("/key/info?key=a"))["info"]!;
        Assert.All(fields, field => Assert.Equal(7, info[field]!.GetValue<int>()));
    }

    [Fact]
    public async Task Bulk_updates_tell_what_failed()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        await admin.NewKeyAsync("""{"key_alias":"a"}""");
        JsonObject answer = await admin.PostAsync("/key/bulk_update", """{"keys":[{"key":"a","rpm_limit":2},{"key":"b","rpm_limit":2}]}""");
        Assert.Equal((2, 1, 1), (answer["total_requested"]!.GetValue<int>(), answer["successful_updates"]!.AsArray().Count, answer["failed_updates"]!.AsArray().Count));
    }

    [Fact]
    public async Task The_document_names_every_route_and_the_fields_of_a_key()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        JsonNode document = await admin.GetAsync("/openapi.json");
        JsonObject paths = document["paths"]!.AsObject();
        foreach (string path in new[] { "/key/generate", "/key/info", "/key/{key}/regenerate", "/team/new", "/user/new", "/spend/logs", "/global/spend/report", "/health/readiness" })
        {
            Assert.True(paths.ContainsKey(path), path);
        }

        JsonNode schema = paths["/key/generate"]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!;
        Assert.NotNull(schema["properties"]!["max_budget"]);
    }

    [Fact]
    public async Task Unknown_routes_are_told_in_the_same_shape()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        Assert.Equal("not_found_error", (await admin.GetAsync("/nowhere", 404))["error"]!["type"]!.GetValue<string>());
        Assert.Equal("I'm alive!", (await admin.GetAsync("/health/liveliness")).GetValue<string>());
        Assert.Equal("connected", (await admin.GetAsync("/health/readiness"))["db"]!.GetValue<string>());
        Assert.Equal(0, (await admin.GetAsync("/health/backlog"))["in_flight_requests"]!.GetValue<int>());
        Assert.Contains((await admin.GetAsync("/routes"))["routes"]!.AsArray(), route => route!["path"]!.GetValue<string>() == "/key/generate");
        Assert.NotEmpty((await admin.GetAsync("/v1/models"))["data"]!.AsArray());
    }
}
