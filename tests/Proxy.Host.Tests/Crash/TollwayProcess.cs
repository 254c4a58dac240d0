using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Crash;

/// <summary>The real executable with a configuration of its own, on a port of its own; started and killed as often as a test likes.</summary>
internal sealed class TollwayProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _configuration;
    private readonly ConcurrentQueue<string> _lines = [];
    private Process? _process;

    public TollwayProcess(string directory, Uri upstream, string? extraCaFile, string key, string extra = "", double drainSeconds = 5, string logLevel = "Warning")
    {
        Directory = directory;
        Port = FreePort();
        LedgerPath = Path.Combine(directory, "ledger", "ledger.db");
        _configuration = Path.Combine(directory, "tollway.json");
        string authority = extraCaFile is null ? "" : $", \"extraCaFile\": \"{extraCaFile}\"";
        File.WriteAllText(_configuration, $$"""
            {
              "listen": ["http://127.0.0.1:{{Port}}"], "stateDirectory": "{{directory}}", "ledger": { "path": "{{LedgerPath}}" },
              "adminKey": "sk-admin-0000000000000000", "drainSeconds": {{drainSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)}}, "logging": { "level": "{{logLevel}}" },
              "routes": [{ "name": "anthropic", "upstream": "{{upstream.GetLeftPart(UriPartial.Authority)}}", "serverKey": "sk-ant-api-company"{{authority}} }],
              "keys": [{ "key": "{{key}}", "alias": "load", "team": "core" }]{{extra}}
            }
            """);
    }

    public string Directory { get; }

    public int Port { get; }

    public string LedgerPath { get; }

    public string ConfigurationFile => _configuration;

    /// <summary>Everything the processes have said so far.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync()
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "tollway.exe" : "tollway"), ["serve", "--config", _configuration])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("TOLLWAY", StringComparison.OrdinalIgnoreCase) || name.StartsWith("ANTHROPIC", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        using CancellationTokenSource patience = new(Patience);
        while (!await AnswersAsync())
        {
            Assert.False(_process.HasExited, $"it ended with {(_process.HasExited ? _process.ExitCode : 0)}: {Output}");
            Assert.False(patience.IsCancellationRequested, $"it did not start: {Output}");
            await Task.Yield();
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGTERM, and its exit code.</summary>
    public async Task<int> StopAsync()
    {
        await TerminateAsync();
        return await ExitAsync();
    }

    /// <summary>SIGTERM.</summary>
    public async Task TerminateAsync()
    {
        using Process kill = Process.Start("kill", ["-TERM", _process!.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Memory of the process in bytes, as the system counts it.</summary>
    public long ResidentBytes()
    {
        _process!.Refresh();
        return _process.WorkingSet64;
    }

    /// <summary>The value of a metric without labels, as the admin socket tells it.</summary>
    public async Task<long> MetricAsync(string name)
    {
        using HttpClient client = new(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(Directory, "admin.sock")), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        string text = await client.GetStringAsync(new Uri("http://admin/metrics"));
        string line = text.Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(name.Length + 1), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Waits for its end; the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        using CancellationTokenSource patience = new(Patience);
        await _process!.WaitForExitAsync(patience.Token);
        int code = _process.ExitCode;
        _process.Dispose();
        _process = null;
        return code;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await using RawClient client = await RawClient.ConnectAsync(Port);
            await client.SendAsync("GET /health/liveliness HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
            return (await client.ReceiveAsync("GET")).Status == 200;
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            return false;
        }
    }
}
