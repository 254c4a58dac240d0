using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Upstream;
using Proxy.Host.Configuration;
using Proxy.Host.Storage.Sqlite;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.Host;

public sealed class ReloadTests : IAsyncLifetime
{
    private const int ReloadRefused = 104;
    private const int NeedsRestart = 105;

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
    public async Task What_takes_a_restart_is_said()
    {
        Assert.True(await _host.ReloadAsync(() => _configuration with { Listen = [ListenAddress.Default], Drain = TimeSpan.FromSeconds(1) }));
        Assert.Equal(2, _log.Texts(NeedsRestart).Count);
        Assert.Contains("listen", _log.Texts(NeedsRestart)[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Housekeeping_by_the_clock_does_no_harm() => _time.Advance(TimeSpan.FromSeconds(5));

    private static RouteConfiguration Route(string name, string host) =>
        new() { Name = name, Prefix = "/" + name, Upstream = new UpstreamEndpoint(host, 443, useTls: true) };
}
