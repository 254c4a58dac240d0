using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Upstream;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.Host;

public sealed class ReloadTests : IAsyncLifetime
{
    private const int ReloadRefused = 104;
    private const int NeedsRestart = 105;
    private const int RowUnusable = 125;

    private readonly TempDirectory _directory = new();
    private readonly RecordingLogger _log = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(57));
    private GatewayConfiguration _configuration = null!;
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _configuration = new GatewayConfiguration
        {
            LedgerPath = _directory.Ledger,
            Listen = [ListenAddress.Default with { Port = 0 }],
            Routes = [Route("a", "a.example"), Route("b", "b.example")],
            Keys = [Records.Alice],
        };
        _host = await GatewayHost.StartAsync(_configuration, _time, _log);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_reload_swaps_the_snapshot_and_keeps_the_pools_of_upstreams_that_stay()
    {
        GatewaySnapshot before = _host.Gateway.Snapshot;
        UpstreamPool pool = before.Routes.Routes.Single(route => route.Name == "a").Pool;
        Assert.True(await _host.ReloadAsync(() => _configuration with
        {
            Routes = [Route("renamed", "a.example"), Route("c", "c.example")],
            Limits = new GatewayLimits { HeadTimeout = TimeSpan.FromSeconds(3) },
            Keys = [Records.Alice, new Principal { Key = new KeyIdentity(KeyHash.Of("sk-new-key")) }],
        }));

        GatewaySnapshot after = _host.Gateway.Snapshot;
        Assert.NotSame(before, after);
        Assert.Same(pool, after.Routes.Routes.Single(route => route.Name == "renamed").Pool);
        Assert.Equal(["c", "renamed"], after.Routes.Routes.Select(route => route.Name).Order());
        Assert.Equal(3, after.Limits.HeadTimeout.TotalSeconds);
        Assert.NotNull(after.Keys.Find("sk-new-key"u8));
        Assert.Null(before.Keys.Find("sk-new-key"u8));
    }

    [Fact]
    public async Task An_upstream_with_other_settings_gets_another_pool()
    {
        UpstreamPool pool = _host.Gateway.Snapshot.Routes.Routes.Single(route => route.Name == "a").Pool;
        Assert.True(await _host.ReloadAsync(() => _configuration with { ConnectTimeout = TimeSpan.FromSeconds(1) }));
        Assert.NotSame(pool, _host.Gateway.Snapshot.Routes.Routes.Single(route => route.Name == "a").Pool);
    }

    [Fact]
    public async Task A_bad_configuration_changes_nothing_and_says_why()
    {
        GatewaySnapshot before = _host.Gateway.Snapshot;
        Assert.False(await _host.ReloadAsync(() => throw new ConfigurationException(["listn: is not a key here", "b: neither"])));
        Assert.False(await _host.ReloadAsync(() => _configuration with { Prices = new PriceConfiguration { File = _directory.Write("p.json", "{") } }));
        Assert.Same(before, _host.Gateway.Snapshot);
        IReadOnlyList<string> said = _log.Texts(ReloadRefused);
        Assert.Equal(3, said.Count);
        Assert.Contains("listn", said[0], StringComparison.Ordinal);
        Assert.Contains("prices.file", said[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_that_came_to_the_ledger_work_after_a_reload()
    {
        new SqliteKeyStore(_directory.Ledger, TimeSpan.FromSeconds(1)).Add(null, new Principal { Key = new KeyIdentity(KeyHash.Of("sk-added"), teamId: "t") }, 1);
        Assert.Null(_host.Gateway.Snapshot.Keys.Find("sk-added"u8));
        Assert.True(await _host.ReloadAsync(() => _configuration));
        Assert.Equal("t", _host.Gateway.Snapshot.Keys.Find("sk-added"u8)!.Key.TeamId);
    }

    [Fact]
    public async Task The_file_blocks_a_key_of_the_ledger()
    {
        new SqliteKeyStore(_directory.Ledger, TimeSpan.FromSeconds(1)).Add(null, new Principal { Key = new KeyIdentity(KeyHash.Of("sk-added")) }, 1);
        Assert.True(await _host.ReloadAsync(() => _configuration with { Keys = [new Principal { Key = new KeyIdentity(KeyHash.Of("sk-added")), IsBlocked = true }] }));
        Assert.True(_host.Gateway.Snapshot.Keys.Find("sk-added"u8)!.IsBlocked);
    }

    [Fact]
    public async Task A_row_that_cannot_be_used_is_closed_and_in_the_way_of_no_other()
    {
        SqliteKeyStore store = new(_directory.Ledger, TimeSpan.FromSeconds(5));
        store.Add(null, new Principal { Key = new KeyIdentity(KeyHash.Of("sk-good")) }, 1);
        Assert.True(await _host.ReloadAsync(() => _configuration with { AdminKeyHash = KeyHash.Of("sk-the-admin-key") }));
        store.Add(null, new Principal { Key = new KeyIdentity(KeyHash.Of("sk-the-admin-key"), "admin's") }, 1);
        store.Add(null, new Principal { Key = new KeyIdentity("no hash") }, 1);
        foreach ((string key, string settings) in new[] { ("sk-torn", "{"), ("sk-vast", """{"max_budget":1e25}"""), ("sk-holes", """{"models":[null]}""") })
        {
            using PrincipalWriter writer = Write();
            writer.Put(new KeyRow { Hash = KeyHash.Of(key), ScopeId = KeyHash.Of(key), Settings = settings });
            writer.Commit();
        }

        Block("sk-good");
        _host.TakeOverChanges();
        KeyTable keys = _host.Gateway.Snapshot.Keys;
        Assert.True(keys.Find("sk-good"u8)!.IsBlocked);
        Assert.True(keys.IsAdminKey("sk-the-admin-key"u8));
        Assert.All(new[] { "sk-torn", "sk-vast", "sk-holes" }, key => Assert.True(keys.Find(System.Text.Encoding.ASCII.GetBytes(key))!.IsBlocked));
        Assert.Equal(5, _log.Texts(RowUnusable).Count);
        Assert.Contains("tollway_ledger_rows_unusable 5", _host.ReadMetrics(), StringComparison.Ordinal);

        await _host.DisposeAsync();
        _host = await GatewayHost.StartAsync(_configuration with { AdminKeyHash = KeyHash.Of("sk-the-admin-key") }, _time, _log);
        Assert.True(_host.Gateway.Snapshot.Keys.Find("sk-good"u8)!.IsBlocked);
    }

    [Fact]
    public async Task A_block_is_not_lost_to_a_reload_that_is_refused()
    {
        new SqliteKeyStore(_directory.Ledger, TimeSpan.FromSeconds(5)).Add(null, new Principal { Key = new KeyIdentity(KeyHash.Of("sk-added")) }, 1);
        _host.TakeOverChanges();
        Block("sk-added");
        string adminIsAlice = Records.Alice.Key.KeyHash;
        Assert.False(await _host.ReloadAsync(() => _configuration with { AdminKeyHash = adminIsAlice }));
        _host.TakeOverChanges();
        Assert.True(_host.Gateway.Snapshot.Keys.Find("sk-added"u8)!.IsBlocked);
    }

    [Fact]
    public async Task Of_changes_and_reloads_at_once_none_brings_back_what_the_other_took_away()
    {
        new SqliteKeyStore(_directory.Ledger, TimeSpan.FromSeconds(5)).Add(null, new Principal { Key = new KeyIdentity(KeyHash.Of("sk-added")) }, 1);
        Principal leaver = new() { Key = new KeyIdentity(KeyHash.Of("sk-leaver")) };
        for (int round = 0; round < 1000; round++)
        {
            Block("sk-added", blocked: false);
            Assert.True(await _host.ReloadAsync(() => _configuration with { Keys = [leaver] }));
            Task<bool> reload = ThreadPoolTask(() => _host.ReloadAsync(() => _configuration with { Keys = [] }));
            Task<bool> change = ThreadPoolTask(() =>
            {
                Block("sk-added");
                _host.TakeOverChanges();
                return Task.FromResult(_host.Gateway.Snapshot.Keys.Find("sk-added"u8)!.IsBlocked);
            });
            Assert.True(await reload);
            Assert.Null(_host.Gateway.Snapshot.Keys.Find("sk-leaver"u8));
            Assert.True(await change);
            Assert.Null(_host.Gateway.Snapshot.Keys.Find("sk-leaver"u8));
            Assert.True(_host.Gateway.Snapshot.Keys.Find("sk-added"u8)!.IsBlocked);
        }
    }

    [Fact]
    public async Task What_takes_a_restart_is_said()
    {
        Assert.True(await _host.ReloadAsync(() => _configuration with { Listen = [ListenAddress.Default], Drain = TimeSpan.FromSeconds(1) }));
        Assert.Equal(2, _log.Texts(NeedsRestart).Count);
        Assert.Contains("listen", _log.Texts(NeedsRestart)[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Housekeeping_by_the_clock_does_no_harm() => _time.Advance(TimeSpan.FromSeconds(5));

    private static Task<bool> ThreadPoolTask(Func<Task<bool>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default).Unwrap();

    private PrincipalWriter Write() => new(_directory.Ledger, TimeSpan.FromSeconds(5), "test", 1);

    private void Block(string key, bool blocked = true)
    {
        using PrincipalWriter writer = Write();
        writer.Put(KeyRowOf(key) with { Blocked = blocked });
        writer.Commit();
    }

    private static KeyRow KeyRowOf(string key) => new() { Hash = KeyHash.Of(key), ScopeId = KeyHash.Of(key), CreatedAtMs = 1 };

    private static RouteConfiguration Route(string name, string host) =>
        new() { Name = name, Prefix = "/" + name, Upstream = new UpstreamEndpoint(host, 443, useTls: true) };
}
