using System.Text;
using Proxy.Host.Cli;
using Proxy.Host.Configuration;
using Proxy.Host.Storage.Sqlite;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.Host;

public sealed class FirstRunTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly RecordingLogger _log = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_first_start_makes_keys_and_stores_their_hashes_only()
    {
        string adminKey;
        string key;
        await using (GatewayHost host = await StartAsync())
        {
            adminKey = host.FirstRun.AdminKey!;
            key = host.FirstRun.VirtualKey!;
            Assert.Matches("^sk-[A-Za-z0-9_-]{43}$", key);
            Assert.Matches("^sk-[A-Za-z0-9_-]{43}$", adminKey);
            Assert.NotEqual(adminKey, key);
            Assert.Equal("first", host.Gateway.Snapshot.Keys.Find(Encoding.ASCII.GetBytes(key))!.Key.Alias);
            Assert.True(host.Gateway.Snapshot.Keys.IsAdminKey(Encoding.ASCII.GetBytes(adminKey)));

            // The write-ahead log holds what was written last.
            AssertAbsent(key);
            AssertAbsent(adminKey);
        }

        AssertAbsent(key);
        AssertAbsent(adminKey);
        SqliteKeyStore store = new(_directory.Ledger, TimeSpan.FromSeconds(1));
        Assert.Equal(KeyHash.Of(key), Assert.Single(_directory.ReadKeys()).Hash);
        Assert.Equal(KeyHash.Of(adminKey), store.ReadAdminKeyHash());
        Assert.DoesNotContain(key, _log.All(), StringComparison.Ordinal);
        Assert.DoesNotContain(adminKey, _log.All(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restart_makes_and_shows_no_keys()
    {
        string key;
        await using (GatewayHost host = await StartAsync())
        {
            key = host.FirstRun.VirtualKey!;
            string text = await WelcomeAsync(host);
            Assert.Contains($"ANTHROPIC_BASE_URL=http://127.0.0.1:{host.Addresses[0].Port}/anthropic", text, StringComparison.Ordinal);
            Assert.Contains($"ANTHROPIC_CUSTOM_HEADERS=\"x-litellm-api-key: {key}\"", text, StringComparison.Ordinal);
            Assert.Contains("clients must bring their own credential", text, StringComparison.Ordinal);
        }

        await using (GatewayHost host = await StartAsync())
        {
            Assert.Null(host.FirstRun.VirtualKey);
            Assert.Null(host.FirstRun.AdminKey);
            Assert.NotNull(host.Gateway.Snapshot.Keys.Find(Encoding.ASCII.GetBytes(key)));
            string text = await WelcomeAsync(host);
            Assert.Contains("Keys exist and are not shown again", text, StringComparison.Ordinal);
            Assert.DoesNotContain("sk-", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_start_that_fails_to_bind_makes_no_keys()
    {
        using TempDirectory other = new();
        await using GatewayHost first = await StartAsync();
        ListenAddress taken = ListenAddress.Default with { Port = first.Addresses[0].Port };
        await Assert.ThrowsAsync<IOException>(() => GatewayHost.StartAsync(new GatewayConfiguration { LedgerPath = other.Ledger, Listen = [taken] }, logs: _log));
        Assert.Empty(other.ReadKeys());
        await using GatewayHost second = await GatewayHost.StartAsync(
            new GatewayConfiguration { LedgerPath = other.Ledger, Listen = [ListenAddress.Default with { Port = 0 }] }, logs: _log);
        Assert.NotNull(second.FirstRun.VirtualKey);
    }

    [Fact]
    public async Task Configured_keys_make_a_first_key_superfluous()
    {
        await using GatewayHost host = await GatewayHost.StartAsync(
            new GatewayConfiguration
            {
                LedgerPath = _directory.Ledger,
                Listen = [ListenAddress.Default with { Port = 0 }],
                Keys = [Records.Alice],
                AdminKeyHash = KeyHash.Of("sk-the-admin-key"),
            },
            logs: _log);
        Assert.Null(host.FirstRun.VirtualKey);
        Assert.Null(host.FirstRun.AdminKey);
        Assert.True(host.Gateway.Snapshot.Keys.IsAdminKey("sk-the-admin-key"u8));
    }

    private Task<GatewayHost> StartAsync() =>
        GatewayHost.StartAsync(new GatewayConfiguration { LedgerPath = _directory.Ledger, Listen = [ListenAddress.Default with { Port = 0 }] }, logs: _log);

    private async Task<string> WelcomeAsync(GatewayHost host)
    {
        using StringWriter output = new();
        await Welcome.WriteAsync(output, new GatewayConfiguration { LedgerPath = _directory.Ledger }, host);
        return output.ToString();
    }

    private void AssertAbsent(string secret)
    {
        foreach (string file in Directory.EnumerateFiles(_directory.Root))
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using StreamReader reader = new(stream, Encoding.Latin1);
            Assert.DoesNotContain(secret, reader.ReadToEnd(), StringComparison.Ordinal);
        }
    }
}
