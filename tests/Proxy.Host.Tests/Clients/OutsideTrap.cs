using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Proxy.Host.Tests.Clients;

/// <summary>Set as a client's HTTP proxy for everything but loopback: writes down who the client wanted to reach, and lets nothing through.</summary>
internal sealed class OutsideTrap : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private Task _accepting = Task.CompletedTask;

    private OutsideTrap()
    {
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    /// <summary>The first line of each request that was tried.</summary>
    public ConcurrentQueue<string> Attempts { get; } = [];

    public static OutsideTrap Start()
    {
        OutsideTrap trap = new();
        trap._listener.Start();
        trap._accepting = trap.AcceptAsync();
        return trap;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                using StreamReader reader = new(client.GetStream());
                Attempts.Enqueue(await reader.ReadLineAsync() ?? "");
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }
}
