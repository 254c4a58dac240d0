using System.Diagnostics;
using System.Text;
using Microsoft.Data.Sqlite;
using Proxy.Host.Tests.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>The ledger goes away under load: no client notices, readiness says so, and when it is back nothing is missing.</summary>
public sealed class LedgerFaultTests
{
    private const int Each = 200;

    [Fact]
    public async Task Locked_by_somebody_else()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options => options.BusyTimeout = TimeSpan.Zero);
        using SqliteConnection other = LedgerDatabase.OpenWriter(gateway.LedgerPath, TimeSpan.FromSeconds(5));
        other.Execute("BEGIN EXCLUSIVE");
        await AssertNobodyNoticesAsync(gateway, () => other.Execute("ROLLBACK"));
    }

    [Fact]
    public async Task Deleted_and_put_back()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await ServeAsync(gateway, 1);
        await gateway.SpendAsync(1);
        foreach (string suffix in new[] { "", "-wal", "-shm" })
        {
            File.Delete(gateway.LedgerPath + suffix);
        }

        await AssertNobodyNoticesAsync(gateway, () => LedgerDatabase.OpenOrCreate(gateway.LedgerPath, TimeSpan.FromSeconds(1)).Dispose());
    }

    [Fact]
    public async Task On_a_disk_that_is_full()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "mounting a small file system takes root");
        DirectoryInfo mount = Directory.CreateTempSubdirectory("tollway-full-");
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount.FullName);
        try
        {
            await using GatewayFixture gateway = await GatewayFixture.StartAsync(options => options.LedgerDirectory = mount.FullName);
            string filler = Path.Combine(mount.FullName, "filler");
            await FillAsync(filler);
            await AssertNobodyNoticesAsync(gateway, () => File.Delete(filler));
        }
        finally
        {
            await RunAsync("umount", mount.FullName);
            mount.Delete();
        }
    }

    [Fact]
    public async Task Read_only()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();

        // The tests run as root, whom no file mode binds: so the database itself says what it would say to anybody else.
        using SqliteConnection other = LedgerDatabase.OpenWriter(gateway.LedgerPath, TimeSpan.FromSeconds(5));
        other.Execute("CREATE TRIGGER refuse BEFORE INSERT ON spend BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END");
        await AssertNobodyNoticesAsync(gateway, () => other.Execute("DROP TRIGGER refuse"));
    }

    private static async Task AssertNobodyNoticesAsync(GatewayFixture gateway, Action mend)
    {
        await ServeAsync(gateway, Each);
        using (CancellationTokenSource patience = new(TimeSpan.FromSeconds(60)))
        {
            while (gateway.LedgerConnected)
            {
                Assert.False(patience.IsCancellationRequested, "nobody noticed at all");
                await ServeAsync(gateway, 1);
            }
        }

        await using (RawClient probe = await gateway.ConnectAsync())
        {
            await probe.SendAsync("GET /health/readiness HTTP/1.1\r\nHost: g\r\n\r\n");
            Assert.Equal(503, (await probe.ReceiveAsync("GET")).Status);
        }

        await ServeAsync(gateway, Each);
        mend();
        int answered = gateway.Simulator.Truth.Count;
        IReadOnlyList<SpendRow> rows = await gateway.SpendAsync(2 * Each);
        while (rows.Count < answered - 1)
        {
            rows = await gateway.SpendAsync(rows.Count + 1);
        }

        foreach (SpendRow row in rows)
        {
            LedgerTruth.AssertEqual(gateway.Simulator, row);
        }

        Assert.Equal(rows.Count, rows.Select(row => row.UpstreamRequestId).Distinct(StringComparer.Ordinal).Count());
        Assert.InRange(rows.Count, answered - 1, answered);
        Assert.True(gateway.LedgerConnected);
        Assert.DoesNotContain(gateway.Key, gateway.Logs, StringComparison.Ordinal);
    }

    private static async Task ServeAsync(GatewayFixture gateway, int requests)
    {
        await using RawClient client = await gateway.ConnectAsync();
        for (int i = 0; i < requests; i++)
        {
            await client.SendAsync(
                "POST", "/anthropic/v1/messages", [$"x-litellm-api-key: {gateway.Key}", $"x-sim-seed: {i}"], Encoding.ASCII.GetBytes("""{"model":"claude-opus-5","max_tokens":9,"stream":true,"messages":[]}"""));
            Assert.Equal(200, (await client.ReceiveAsync()).Status);
        }
    }

    private static async Task FillAsync(string path)
    {
        await using FileStream file = new(path, FileMode.Create);
        byte[] block = new byte[4096];
        try
        {
            while (true)
            {
                await file.WriteAsync(block);
                await file.FlushAsync();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
