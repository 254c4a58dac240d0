using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Spend;

namespace Proxy.Host.Tests.Admin;

/// <summary>Reports in the shapes of LiteLLM (litellm-compat.md §3.5).</summary>
public sealed class SpendApiTests
{
    private const long Usd = 1_000_000_000;

    [Fact]
    public async Task Logs_have_every_field_of_LiteLLM_and_ours()
    {
        await using AdminFixture admin = await StartAsync();
        JsonObject row = (await admin.GetAsync("/spend/logs?user_id=u1"))[0]!.AsObject();
        foreach (string field in new[]
        {
            "request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens", "startTime", "endTime", "completionStartTime", "request_duration_ms", "model",
            "model_id", "model_group", "custom_llm_provider", "api_base", "user", "cache_hit", "cache_key", "request_tags", "team_id", "organization_id", "end_user", "requester_ip_address", "messages",
            "response", "proxy_server_request", "session_id", "status", "mcp_namespaced_tool_name", "agent_id", "metadata", "cache_read_input_tokens", "cache_creation_5m_input_tokens",
            "cache_creation_1h_input_tokens", "credential_source", "upstream_request_id", "stream_complete", "price_version",
        })
        {
            Assert.True(row.ContainsKey(field), field);
        }

        Assert.Equal((111, 100, 11), (row["total_tokens"]!.GetValue<int>(), row["prompt_tokens"]!.GetValue<int>(), row["completion_tokens"]!.GetValue<int>()));
        Assert.Equal(["a", "b"], row["request_tags"]!.AsArray().Select(tag => tag!.GetValue<string>()));
        Assert.Equal(("alice", "core"), (row["metadata"]!["user_api_key_alias"]!.GetValue<string>(), row["metadata"]!["user_api_key_team_alias"]!.GetValue<string>()));
        Assert.Single((await admin.GetAsync($"/spend/logs?request_id={row["request_id"]!.GetValue<string>()}")).AsArray());
        Assert.Empty((await admin.GetAsync("/spend/logs?request_id=x'%20OR%201=1")).AsArray());
        Assert.Empty((await admin.GetAsync("/spend/logs?user_id=x'%20OR%20'1'='1")).AsArray());
        JsonNode paged = await admin.GetAsync("/spend/logs/v2?page=2&page_size=1");
        Assert.Equal((3, 1, 3), (paged["total"]!.GetValue<int>(), paged["data"]!.AsArray().Count, paged["total_pages"]!.GetValue<int>()));
    }

    [Fact]
    public async Task With_dates_logs_are_summed_up_by_day()
    {
        await using AdminFixture admin = await StartAsync();
        JsonArray days = (await admin.GetAsync("/spend/logs?start_date=2026-11-20&end_date=2026-11-23")).AsArray();
        Assert.Equal(["2026-11-22", "2026-11-23"], days.Select(day => day!["startTime"]!.GetValue<string>()));
        Assert.Equal(3m, days[1]!["spend"]!.GetValue<decimal>());
        Assert.Equal(1m, days[1]!["users"]!["u1"]!.GetValue<decimal>());
        Assert.Equal(2m, days[1]!["models"]!["claude-opus-5"]!.GetValue<decimal>());
        Assert.Equal(2, (await admin.GetAsync("/spend/logs?start_date=2026-11-23&end_date=2026-11-23&summarize=false")).AsArray().Count);
    }

    [Theory]
    [InlineData("/spend/logs?start_date=yesterday", "start_date")]
    [InlineData("/global/spend/logs?end_date=2026-13-01", "end_date")]
    [InlineData("/global/activity?start_date=2026-11-02&end_date=2026-11-01", "end_date")]
    [InlineData("/spend/report?by=colour", "by")]
    [InlineData("/spend/report?by=key&since=x", "since")]
    [InlineData("/global/spend/report?group_by=colour", "group_by")]
    [InlineData("/global/spend/keys?limit=-1", "limit")]
    public async Task A_bad_parameter_is_named(string path, string param)
    {
        await using AdminFixture admin = await StartAsync();
        Assert.Equal(param, (await admin.GetAsync(path, 400))["error"]!["param"]!.GetValue<string>());
    }

    [Fact]
    public async Task Global_reports()
    {
        await using AdminFixture admin = await StartAsync();
        JsonNode global = await admin.GetAsync("/global/spend");
        Assert.Equal((7m, 0), (global["spend"]!.GetValue<decimal>(), global["max_budget"]!.GetValue<int>()));
        JsonArray days = (await admin.GetAsync("/global/spend/logs")).AsArray();
        Assert.Equal(("2026-11-22", 4m), (days[0]!["date"]!.GetValue<string>(), days[0]!["spend"]!.GetValue<decimal>()));
        JsonNode first = (await admin.GetAsync("/global/spend/keys?limit=1"))[0]!;
        Assert.Equal(["api_key", "key_alias", "key_name", "total_spend"], first.AsObject().Select(field => field.Key));
        JsonNode model = (await admin.GetAsync("/global/spend/models"))[0]!;
        Assert.Equal(("claude-opus-5", 6m, 222L), (model["model"]!.GetValue<string>(), model["total_spend"]!.GetValue<decimal>(), model["total_tokens"]!.GetValue<long>()));
        JsonNode teams = await admin.GetAsync("/global/spend/teams");
        Assert.Equal(("core", 5m), (teams["teams"]![0]!.GetValue<string>(), teams["total_spend_per_team"]![0]!["total_spend"]!.GetValue<decimal>()));
        Assert.Equal(1m, teams["daily_spend"]![1]!["core"]!.GetValue<decimal>());
        JsonNode activity = await admin.GetAsync("/global/activity?start_date=2026-11-22&end_date=2026-11-23");
        Assert.Equal((3, 333, "Nov 22"), (activity["sum_api_requests"]!.GetValue<int>(), activity["sum_total_tokens"]!.GetValue<int>(), activity["daily_data"]![0]!["date"]!.GetValue<string>()));
        JsonNode report = (await admin.GetAsync("/global/spend/report?start_date=2026-11-22&end_date=2026-11-23&group_by=team"))[0]!;
        Assert.Equal(("2026-11-22", "core", 4m), (report["group_by_day"]!.GetValue<string>(), report["teams"]![0]!["team_name"]!.GetValue<string>(), report["teams"]![0]!["total_spend"]!.GetValue<decimal>()));
        JsonNode byKey = (await admin.GetAsync("/global/spend/report?group_by=api_key"))[0]!;
        Assert.Equal(["api_key", "total_cost", "total_input_tokens", "total_output_tokens", "model_details"], byKey.AsObject().Select(field => field.Key));
        JsonNode daily = await admin.GetAsync("/user/daily/activity?start_date=2026-11-22&end_date=2026-11-23");
        Assert.Equal((7m, 3), (daily["metadata"]!["total_spend"]!.GetValue<decimal>(), daily["metadata"]!["total_api_requests"]!.GetValue<int>()));
        Assert.NotNull(daily["results"]![0]!["breakdown"]!["models"]!["claude-opus-5"]);
    }

    [Fact]
    public async Task Tags_are_counted_one_by_one()
    {
        await using AdminFixture admin = await StartAsync();
        JsonArray tags = (await admin.GetAsync("/spend/tags")).AsArray();
        Assert.Equal(["a", "b"], tags.Select(tag => tag!["individual_request_tag"]!.GetValue<string>()).Order());
        Assert.All(tags, tag => Assert.Equal((1, 1m), (tag!["log_count"]!.GetValue<int>(), tag["total_spend"]!.GetValue<decimal>())));
    }

    [Fact]
    public async Task A_request_can_be_priced_without_being_made()
    {
        await using AdminFixture admin = await StartAsync();
        JsonObject cost = await admin.PostAsync("/spend/calculate", """{"model":"claude-sonnet-5","usage":{"input_tokens":1000000,"output_tokens":100000}}""");
        Assert.Equal(3m, cost["cost"]!.GetValue<decimal>());
        await admin.PostAsync("/spend/calculate", """{"model":"claude-sonnet-5"}""", 400);
    }

    [Theory]
    [InlineData("key", 2)]
    [InlineData("team", 2)]
    [InlineData("user", 2)]
    [InlineData("model", 2)]
    [InlineData("session", 3)]
    [InlineData("payer", 2)]
    [InlineData("day", 2)]
    public async Task Our_report_adds_up_whatever_it_is_by(string by, int rows)
    {
        await using AdminFixture admin = await StartAsync();
        JsonArray report = (await admin.GetAsync($"/spend/report?by={by}&since=2026-11-01"))["rows"]!.AsArray();
        Assert.Equal(rows, report.Count);
        Assert.Equal((7m, 5m, 2m), (Sum(report, "cost_usd"), Sum(report, "company_usd"), Sum(report, "client_usd")));
        Assert.Equal(3, report.Sum(row => row!["requests"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Spend_of_a_key_is_what_its_budget_counts_and_can_be_reset()
    {
        await using AdminFixture admin = await StartAsync();
        Assert.Equal(5m, (await admin.GetAsync("/key/info?key=alice"))["info"]!["spend"]!.GetValue<decimal>());
        await admin.PostAsync("/key/update", """{"key":"alice","max_budget":9,"budget_duration":"1d"}""");
        Assert.Equal(1m, (await admin.GetAsync("/key/info?key=alice"))["info"]!["spend"]!.GetValue<decimal>());
        await admin.PostAsync("/key/alice/reset_spend", """{"reset_to":0.25}""");
        Assert.Equal(0.25m, (await admin.GetAsync("/key/info?key=alice"))["info"]!["spend"]!.GetValue<decimal>());
        admin.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(0m, (await admin.GetAsync("/key/info?key=alice"))["info"]!["spend"]!.GetValue<decimal>());
        Assert.Equal("success", (await admin.PostAsync("/global/spend/reset", "{}"))["status"]!.GetValue<string>());
        Assert.Equal(5m, (await admin.GetAsync("/team/info?team_id=t1"))["team_info"]!["spend"]!.GetValue<decimal>() + 5m);
        Assert.Equal(0m, (await admin.GetAsync("/spend/keys"))[0]!["spend"]!.GetValue<decimal>());
    }

    [Fact]
    public async Task An_empty_ledger_has_reports_too()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        foreach (string path in new[] { "/spend/logs", "/spend/keys", "/spend/users", "/spend/tags", "/global/spend/logs", "/global/spend/keys", "/global/spend/models", "/global/spend/report", "/global/activity/model" })
        {
            Assert.Empty((await admin.GetAsync(path)).AsArray());
        }

        Assert.Equal(0m, (await admin.GetAsync("/global/spend"))["spend"]!.GetValue<decimal>());
        Assert.Empty((await admin.GetAsync("/spend/report"))["rows"]!.AsArray());
    }

    private static decimal Sum(JsonArray rows, string field) => rows.Sum(row => row![field]!.GetValue<decimal>());

    private static async Task<AdminFixture> StartAsync()
    {
        AdminFixture admin = await AdminFixture.StartAsync();
        await admin.PostAsync("/team/new", """{"team_id":"t1","team_alias":"core"}""");
        (_, string alice) = await admin.NewKeyAsync("""{"key_alias":"alice","team_id":"t1","user_id":"u1"}""");
        (_, string bob) = await admin.NewKeyAsync("""{"key_alias":"bob"}""");
        KeyIdentity a = new(alice, "alice", "t1", "u1");
        KeyIdentity b = new(bob, "bob");
        admin.Book(
            Record(1, a, "2026-11-23", "claude-sonnet-5", Usd, CredentialKind.Server, "a,b"),
            Record(2, a, "2026-11-22", "claude-opus-5", 4 * Usd, CredentialKind.Server, ""),
            Record(3, b, "2026-11-23", "claude-opus-5", 2 * Usd, CredentialKind.Byok, ""));
        return admin;
    }

    private static SpendRecord Record(int number, KeyIdentity caller, string day, string model, long cost, CredentialKind payer, string tags)
    {
        SpendRecord record = new()
        {
            Id = new Guid(number, 0, 0, new byte[8]),
            StartedAtUnixMs = DateTimeOffset.Parse(day + "T10:00:00Z", CultureInfo.InvariantCulture).ToUnixTimeMilliseconds(),
            DurationUs = 2_100_000,
            Caller = caller,
            Route = "anthropic",
            PathClass = PathClass.Messages,
            Method = MethodId.Post,
            Credential = payer,
            Status = 200,
            CostNanoUsd = cost,
            Usage = new UsageCounters { InputTokens = 10, CacheReadInputTokens = 80, CacheCreationInputTokens = 10, OutputTokens = 11 },
        };
        record.ModelAsked.Set(Encoding.ASCII.GetBytes(model));
        record.ModelServed.Set(Encoding.ASCII.GetBytes(model));
        record.SessionId.Set(Encoding.ASCII.GetBytes($"s{number}"));
        record.Tags.Set(Encoding.ASCII.GetBytes(tags));
        return record;
    }
}
