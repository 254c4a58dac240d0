using System.Text;
using System.Text.Json.Nodes;
using Proxy.Host.Tests.Storage;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Spend;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>Limits over real sockets, with keys that another process makes and changes while the gateway runs.</summary>
public sealed class LimitEndToEndTests
{
    // 100,000 output tokens of claude-sonnet-5: a dollar.
    private const string Body = """{"model":"claude-sonnet-5","max_tokens":100000,"messages":[]}""";
    private const string Usage = """x-sim-usage: {"input_tokens":0,"output_tokens":100000}""";

    [Fact]
    public async Task A_hundred_parallel_requests_spend_no_more_than_there_is()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        string key = await gateway.NewKeyAsync("""{"max_budget":3.1,"budget_duration":"1d","reserve":"worstCase"}""");
        int[] statuses = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            await using RawClient client = await gateway.ConnectAsync();
            await client.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {key}", Usage, "x-sim-first-byte-delay-ms: 100"], Encoding.ASCII.GetBytes(Body));
            return (await client.ReceiveAsync()).Status;
        }));
        IReadOnlyList<SpendRow> rows = await gateway.SpendAsync(100);
        Assert.All(statuses, status => Assert.True(status is 200 or 429));

        // Parallel ones may not overspend; one alone may use up the rest: three dollars and at most one request more.
        Assert.InRange(rows.Sum(row => row.CostNanoUsd), 3_000_000_000, 4_000_000_000);
        Assert.Equal(statuses.Count(status => status == 200), rows.Count(row => row.CostNanoUsd > 0));
        Assert.Equal(100, rows.Count);
    }

    [Fact]
    public async Task What_another_process_changes_is_live_and_drops_no_request()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        string key = await gateway.NewKeyAsync("""{"key_alias":"a"}""");
        await using RawClient held = await gateway.ConnectAsync();
        await held.SendAsync("POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {key}", "x-sim-hold: change"], Encoding.ASCII.GetBytes(Body));
        await gateway.Simulator.WhenHeldAsync("change");

        gateway.Keys.SetBlocked(new JsonObject { ["key"] = "a" }, blocked: true, "test");
        await gateway.UntilAsync(keys => keys.Find(Encoding.ASCII.GetBytes(key))!.IsBlocked);
        Assert.Equal(401, (await AskAsync(gateway, key)).Status);
        gateway.Simulator.Release("change");
        Assert.Equal(200, (await held.ReceiveAsync()).Status);

        gateway.Keys.SetBlocked(new JsonObject { ["key"] = "a" }, blocked: false, "test");
        gateway.Keys.Update(new JsonObject { ["key"] = "a", ["models"] = new JsonArray("claude-haiku-*") }, "test");
        await gateway.UntilAsync(keys => keys.Find(Encoding.ASCII.GetBytes(key)) is { IsBlocked: false, Models: not null });
        Assert.Equal(403, (await AskAsync(gateway, key)).Status);
        gateway.Keys.Delete(new JsonObject { ["key_aliases"] = new JsonArray("a") }, "test");
        await gateway.UntilAsync(keys => keys.Find(Encoding.ASCII.GetBytes(key)) is null);
        Assert.Equal(401, (await AskAsync(gateway, key)).Status);
    }

    [Fact]
    public async Task A_rotated_key_keeps_its_budget_and_the_old_one_works_in_its_grace()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        string old = await gateway.NewKeyAsync("""{"key_alias":"a","max_budget":1,"budget_duration":"1d"}""");
        string fresh = gateway.Keys.Regenerate("a", new JsonObject { ["grace_period"] = "1h" }, "test")["key"]!.GetValue<string>();
        await gateway.UntilAsync(keys => keys.Find(Encoding.ASCII.GetBytes(fresh)) is not null);
        Assert.Equal(200, (await AskAsync(gateway, old, Usage)).Status);
        await gateway.SpendAsync(1);
        RawResponse refused = await AskAsync(gateway, fresh);
        Assert.Equal(429, refused.Status);
        Assert.Contains("billing_error", refused.Text, StringComparison.Ordinal);
        Assert.Contains("spend limit reached (daily; resets ", refused.Text, StringComparison.Ordinal);

        // Resetting what was spent lets it in again.
        gateway.Keys.ResetSpend("a", new JsonObject { ["reset_to"] = 0 }, "test");
        RawResponse response = refused;
        for (int i = 0; i < 10_000 && response.Status == 429; i++)
        {
            response = await AskAsync(gateway, fresh);
        }

        Assert.Equal(200, response.Status);
    }

    [Fact]
    public async Task A_blocked_team_blocks_its_keys()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Teams.Create(new JsonObject { ["team_id"] = "t9" }, "test");
        string key = await gateway.NewKeyAsync("""{"team_id":"t9"}""");
        gateway.Teams.SetBlocked(new JsonObject { ["team_id"] = "t9" }, true, "test");
        await gateway.UntilAsync(keys => keys.Find(Encoding.ASCII.GetBytes(key))!.IsTeamBlocked);
        RawResponse refused = await AskAsync(gateway, key);
        Assert.Equal(401, refused.Status);
        Assert.Contains("team", refused.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Results_of_a_batch_are_booked_once_to_the_key_that_made_it()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        string fenced = await gateway.NewKeyAsync();
        string maker = await gateway.NewKeyAsync("""{"key_alias":"maker","workspace_access":["batches"],"max_budget":100}""");
        string other = await gateway.NewKeyAsync("""{"key_alias":"other","workspace_access":["batches"]}""");
        const string Batch = """{"requests":[{"custom_id":"a","params":{"model":"claude-sonnet-5","max_tokens":9,"messages":[]}},{"custom_id":"b","params":{"model":"claude-opus-5","max_tokens":9,"messages":[]}}]}""";
        Assert.Equal(403, (await SendAsync(gateway, fenced, "POST", "/anthropic/v1/messages/batches", Batch)).Status);
        RawResponse made = await SendAsync(gateway, maker, "POST", "/anthropic/v1/messages/batches", Batch);
        Assert.Equal(200, made.Status);
        string id = JsonNode.Parse(made.Text)!["id"]!.GetValue<string>();
        await gateway.SpendAsync(2);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(200, (await SendAsync(gateway, i == 0 ? other : maker, "GET", $"/anthropic/v1/messages/batches/{id}/results", "")).Status);
        }

        IReadOnlyList<SpendRow> rows = await gateway.SpendAsync(7);
        SpendRow[] lines = [.. rows.Where(row => row.BatchId.Length > 0)];
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line =>
        {
            Assert.Equal((id, "maker", PathClass.BatchResults, CredentialKind.Server), (line.BatchId, line.KeyAlias, line.PathClass, line.Credential));
            Assert.Equal(ServiceTier.Batch, line.Usage.ServiceTier);
            Assert.True(line.CostNanoUsd > 0 && line.Usage.OutputTokens > 0);
        });
        Assert.Equal(7, rows.Count);
    }

    private static Task<RawResponse> AskAsync(GatewayFixture gateway, string key, params string[] fields) => SendAsync(gateway, key, "POST", "/anthropic/v1/messages", Body, fields);

    private static async Task<RawResponse> SendAsync(GatewayFixture gateway, string key, string method, string target, string body, params string[] fields)
    {
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync(method, target, [$"x-litellm-api-key: {key}", .. fields], Encoding.ASCII.GetBytes(body));
        return await client.ReceiveAsync(method);
    }
}
