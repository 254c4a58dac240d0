using System.Text.Json.Nodes;
using Proxy.Host.Configuration;

namespace Proxy.Host.Tests.Cli;

/// <summary>Keys, teams, users and spend from the command line, with no service running.</summary>
public sealed class ManagementCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_key_is_made_shown_once_limited_rotated_and_deleted()
    {
        await _cli.DoAsync("teams", "create", "--alias", "core", "--id", "t1", "--max-budget", "500", "--budget-duration", "30d");
        (int code, string output, string errors) = await _cli.RunAsync(
            "keys", "create", "--alias", "alice", "--team", "t1", "--user", "u1", "--models", "claude-sonnet-5,claude-haiku-*", "--max-budget=50", "--budget-duration", "30d", "--budget", "5/1d/worstCase",
            "--reserve", "learned", "--model-budget", "claude-opus-5=10/1d/worstCase", "--rpm", "60", "--allow", "files,batches", "--tags", "dev", "--metadata", "cost_center=42", "--expires", "30d");
        Assert.Equal(0, code);
        string key = output.Trim();
        Assert.StartsWith("sk-", key, StringComparison.Ordinal);
        Assert.Contains("only time", errors, StringComparison.Ordinal);

        string shown = await _cli.DoAsync("keys", "show", "alice");
        Assert.Contains("max_budget", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(key, shown, StringComparison.Ordinal);
        JsonNode row = JsonNode.Parse(await _cli.DoAsync("keys", "show", key, "--json"))!;
        Assert.Equal((50m, 60, "5"), (row["max_budget"]!.GetValue<decimal>(), row["rpm_limit"]!.GetValue<int>(), row["budget_limits"]![0]!["max_budget"]!.ToString()));
        Assert.Equal(("learned", "worstCase"), (row["reserve"]!.GetValue<string>(), row["budget_limits"]![0]!["reserve"]!.GetValue<string>()));
        Assert.Equal("worstCase", row["model_max_budget"]!["claude-opus-5"]!["reserve"]!.GetValue<string>());
        Assert.Equal(["files", "batches"], row["workspace_access"]!.AsArray().Select(one => one!.GetValue<string>()));
        Assert.Equal("42", row["metadata"]!["cost_center"]!.GetValue<string>());

        row = JsonNode.Parse(await _cli.DoAsync("keys", "update", "alice", "--rpm", "none", "--temp-increase", "20", "--temp-until", "2099-01-01", "--json"))!;
        Assert.Null(row["rpm_limit"]);
        Assert.Equal(20m, row["temp_budget_increase"]!.GetValue<decimal>());
        Assert.Contains("blocked", await _cli.DoAsync("keys", "block", "alice"), StringComparison.Ordinal);
        string list = await _cli.DoAsync("keys", "list", "--team", "t1");
        Assert.Contains("ALIAS", list, StringComparison.Ordinal);
        Assert.Contains(KeyHash.Of(key)[..12], list, StringComparison.Ordinal);
        Assert.Contains("blocked", list, StringComparison.Ordinal);
        await _cli.DoAsync("keys", "unblock", "alice");
        string fresh = (await _cli.DoAsync("keys", "rotate", "alice", "--grace", "24h")).Trim();
        Assert.NotEqual(key, fresh);
        Assert.Contains(", sk-..." + key[^4..] + " until ", await _cli.DoAsync("keys", "list"), StringComparison.Ordinal);
        Assert.Contains("sk-..." + fresh[^4..], await _cli.DoAsync("keys", "show", key), StringComparison.Ordinal);
        Assert.Equal("deleted 2\n", (await _cli.DoAsync("keys", "delete", key)).ReplaceLineEndings("\n"));
        Assert.Equal(3, (await _cli.RunAsync("keys", "show", "alice")).Code);
    }

    [Fact]
    public async Task Teams_and_users()
    {
        await _cli.DoAsync("teams", "create", "--alias", "core", "--id", "t1");
        await _cli.DoAsync("users", "create", "--id", "u1", "--email", "a@b.c", "--max-budget", "5");
        await _cli.DoAsync("teams", "add-member", "core", "--user", "u1", "--role", "admin", "--member-budget", "10");
        Assert.Contains("core", await _cli.DoAsync("teams", "list"), StringComparison.Ordinal);
        Assert.Contains("t1", await _cli.DoAsync("users", "list"), StringComparison.Ordinal);
        Assert.Contains("rpm_limit", await _cli.DoAsync("teams", "update", "core", "--rpm", "9"), StringComparison.Ordinal);
        Assert.Contains("true", await _cli.DoAsync("teams", "block", "t1"), StringComparison.Ordinal);
        await _cli.DoAsync("teams", "remove-member", "t1", "--user", "u1");
        await _cli.DoAsync("users", "delete", "u1");
        await _cli.DoAsync("teams", "delete", "t1");
        Assert.Equal("[]", (await _cli.DoAsync("teams", "list", "--json")).Trim());
    }

    [Fact]
    public async Task Spend_comes_as_a_table_as_csv_and_as_json()
    {
        Assert.StartsWith("KEY", await _cli.DoAsync("spend"), StringComparison.Ordinal);
        Assert.Equal("day,name,requests,failed,input_tokens,cache_read_tokens,cache_write_tokens,output_tokens,cost_usd,company_usd,client_usd\r\n", await _cli.DoAsync("spend", "--by", "day", "--csv"));
        Assert.Equal("model", JsonNode.Parse(await _cli.DoAsync("spend", "--by", "model", "--since", "2026-11-01", "--json"))!["by"]!.GetValue<string>());
        Assert.Equal(4, (await _cli.RunAsync("spend", "--by", "colour")).Code);
        Assert.Equal(2, (await _cli.RunAsync("spend", "--csv", "--json")).Code);
    }

    [Theory]
    [InlineData(2, "keys")]
    [InlineData(2, "keys", "bogus")]
    [InlineData(2, "keys", "create", "--aliass", "x")]
    [InlineData(2, "keys", "create", "--rpm", "many")]
    [InlineData(2, "keys", "create", "--alias")]
    [InlineData(2, "keys", "show")]
    [InlineData(2, "keys", "create", "--budget", "5")]
    [InlineData(4, "keys", "create", "--budget-duration", "1y", "--max-budget", "5")]
    [InlineData(3, "keys", "create", "--team", "nowhere")]
    [InlineData(3, "teams", "show", "nowhere")]
    [InlineData(3, "users", "show", "nobody")]
    [InlineData(0, "keys", "--help")]
    [InlineData(0, "spend", "-h")]
    public async Task Exit_codes_mean_something(int code, params string[] args)
    {
        (int actual, string output, string errors) = await _cli.RunAsync(args);
        Assert.Equal(code, actual);
        Assert.Equal(code == 0, errors.Split('\n').All(line => line.Length == 0 || line.Contains("no service answers", StringComparison.Ordinal)));
        Assert.Equal(code == 0, output.Length > 0);
    }

    [Fact]
    public async Task With_a_service_running_it_speaks_to_it_and_the_change_is_live()
    {
        await using GatewayHost gateway = await GatewayHost.StartAsync(ConfigurationLoader.Load(_cli.Source));
        string key = (await _cli.DoAsync("keys", "create", "--alias", "a")).Trim();
        Assert.Equal("a", gateway.Gateway.Snapshot.Keys.Find(System.Text.Encoding.ASCII.GetBytes(key))!.Key.Alias);
        await _cli.DoAsync("keys", "block", "a");
        Assert.True(gateway.Gateway.Snapshot.Keys.Find(System.Text.Encoding.ASCII.GetBytes(key))!.IsBlocked);
        JsonNode audit = JsonNode.Parse(await _cli.DoAsync("keys", "show", "a", "--json"))!;
        Assert.Equal("cli", audit["updated_by"]!.GetValue<string>());
    }
}
