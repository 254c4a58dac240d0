using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Host.Composition;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Admin;

/// <summary>A key that was rotated is one key: what is done to it is done to every value of it, whatever it was named by.</summary>
public sealed class RotatedKeyTests : IAsyncLifetime
{
    private AdminFixture _admin = null!;
    private string _old = "";
    private string _fresh = "";

    public async ValueTask InitializeAsync()
    {
        _admin = await AdminFixture.StartAsync();
        await _admin.PostAsync("/team/new", """{"team_id":"crew"}""");
        (_old, _) = await _admin.NewKeyAsync("""{"key_alias":"carol"}""");
        JsonObject rotated = await _admin.PostAsync("/key/regenerate", """{"key":"carol","grace_period":"24h"}""");
        _fresh = rotated["key"]!.GetValue<string>();
    }

    public ValueTask DisposeAsync() => _admin.DisposeAsync();

    [Theory]
    [InlineData("alias")]
    [InlineData("old")]
    [InlineData("fresh")]
    [InlineData("old hash")]
    public async Task A_block_closes_every_value_and_its_end_opens_every_one(string by)
    {
        await _admin.PostAsync("/key/block", Named(by));
        Assert.All(Read(), principal => Assert.True(principal.IsBlocked));
        Assert.Empty((await InfoAsync())["values"]!.AsArray());
        await _admin.PostAsync("/key/unblock", Named(by));
        Assert.All(Read(), principal => Assert.False(principal.IsBlocked));
        Assert.Equal(2, (await InfoAsync())["values"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("alias")]
    [InlineData("old")]
    [InlineData("fresh")]
    [InlineData("old hash")]
    public async Task A_deletion_takes_every_value_away(string by)
    {
        JsonObject answer = await _admin.PostAsync("/key/delete", new JsonObject { ["keys"] = new JsonArray(NameOf(by), "carol") }.ToJsonString());
        Assert.Equal(new[] { Configuration.KeyHash.Of(_old), Configuration.KeyHash.Of(_fresh) }, answer["deleted_keys"]!.AsArray().Select(hash => hash!.GetValue<string>()));
        Assert.Empty(Read());
    }

    [Fact]
    public async Task A_deleted_team_takes_along_what_its_keys_were_before()
    {
        await _admin.PostAsync("/key/update", """{"key":"carol","team_id":"crew"}""");
        await _admin.PostAsync("/team/delete", """{"team_ids":["crew"]}""");
        Assert.Empty(Read());
    }

    [Theory]
    [InlineData("old")]
    [InlineData("alias")]
    public async Task Limits_budgets_models_and_team_hold_for_every_value(string by)
    {
        JsonObject update = JsonNode.Parse("""{"rpm_limit":3,"max_budget":5,"models":["claude-a"],"team_id":"crew"}""")!.AsObject();
        update["key"] = NameOf(by);
        await _admin.PostAsync("/key/update", update.ToJsonString());
        IReadOnlyList<Principal> principals = Read();
        Assert.Equal(2, principals.Count);
        Assert.All(principals, principal =>
        {
            Assert.Equal("crew", principal.Key.TeamId);
            Assert.False(principal.AllowsModel("claude-b"u8));
            AdmissionScope scope = Assert.Single(principal.Scopes);
            Assert.Same(principals[0].Scopes[0], scope);
            Assert.Equal((3, 5_000_000_000), (scope.Limits.RequestsPerMinute, scope.Limits.Budgets[0].LimitNanoUsd));
        });
    }

    [Fact]
    public async Task An_expiry_ends_every_value_and_the_old_one_never_later_than_its_grace()
    {
        await _admin.PostAsync("/key/update", """{"key":"carol","expires":"2026-11-24T00:00:00Z"}""");
        Assert.All(Read(), principal => Assert.Equal(End("2026-11-24T00:00:00Z"), principal.ExpiresAtUnixMs));
        await _admin.PostAsync("/key/update", """{"key":"carol","expires":"2026-12-31T00:00:00Z"}""");
        Assert.Equal([End("2026-11-24T12:00:00Z"), End("2026-12-31T00:00:00Z")], Read().Select(principal => principal.ExpiresAtUnixMs).Order());
    }

    [Fact]
    public async Task The_list_has_the_key_once_with_all_values_that_open_the_door()
    {
        JsonNode list = await _admin.GetAsync("/key/list?return_full_object=true");
        Assert.Equal(1, list["total_count"]!.GetValue<int>());
        Assert.Equal(["2026-11-24T12:00:00.000Z", null], list["keys"]![0]!["values"]!.AsArray().Select(value => value!["expires"]?.GetValue<string>()));
        _admin.Time.Advance(TimeSpan.FromHours(25));
        Assert.Equal("sk-..." + _fresh[^4..], Assert.Single((await InfoAsync())["values"]!.AsArray())!["key_name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Rotation_without_grace_ends_all_values_before()
    {
        await _admin.PostAsync("/key/regenerate", """{"key":"carol"}""");
        Assert.Single(Read());
    }

    [Fact]
    public void An_old_value_whose_key_is_gone_is_refused()
    {
        using (PrincipalWriter writer = new(_admin.LedgerPath, TimeSpan.FromSeconds(5), "test", 0))
        {
            writer.DeleteKey(Configuration.KeyHash.Of(_fresh));
            writer.Commit();
        }

        Assert.True(Assert.Single(Read()).IsBlocked);
    }

    private static long End(string time) => DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();

    private string NameOf(string by) => by switch { "alias" => "carol", "old" => _old, "fresh" => _fresh, _ => Configuration.KeyHash.Of(_old) };

    private string Named(string by) => new JsonObject { ["key"] = NameOf(by) }.ToJsonString();

    private async Task<JsonNode> InfoAsync() => (await _admin.GetAsync("/key/info?key=carol"))["info"]!;

    private IReadOnlyList<Principal> Read()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(_admin.LedgerPath);
        return new PrincipalCatalog().Read(connection, _admin.Time.GetUtcNow().ToUnixTimeMilliseconds());
    }
}
