using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Proxy.Simulator.Tls;

namespace Proxy.Host.Tests.Wire;

/// <summary>An upstream that says exactly what a test tells it to, over plain TCP or TLS.</summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ThrowawayCa? _ca;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentQueue<UpstreamPeer> _peers = [];
    private readonly ConcurrentBag<Task> _serving = [];
    private readonly Task _accepting;
    private volatile Func<UpstreamPeer, Task> _script;

    public RawUpstream(Func<UpstreamPeer, Task>? script = null, bool tls = false)
    {
        _script = script ?? HonestAsync;
        if (tls)
        {
            _ca = new ThrowawayCa();
            _certificate = _ca.Issue(["localhost"]);
            CaFile = Path.GetTempFileName();
            File.WriteAllText(CaFile, _ca.CertificatePem);
        }

        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>What is done on each new connection; when it returns, the connection is closed.</summary>
    public Func<UpstreamPeer, Task> Script
    {
        set => _script = value;
    }

    public string? CaFile { get; }

    public string Url => $"{(_certificate is null ? "http" : "https")}://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Connections accepted so far.</summary>
    public int Connections => _peers.Count;

    /// <summary>Everything received on all connections.</summary>
    public string Received => string.Concat(_peers.Select(peer => peer.Received));

    public IReadOnlyList<UpstreamPeer> Peers => [.. _peers];

    /// <summary>Answers every request with its own nonce, as long as the gateway likes.</summary>
    public static async Task HonestAsync(UpstreamPeer peer)
    {
        while (true)
        {
            string request = await peer.ReadRequestAsync();
            await peer.SendAsync(Ok(UpstreamPeer.FieldOf(request, "x-nonce") ?? "none", isHead: request.StartsWith("HEAD ", StringComparison.Ordinal)));
        }
    }

    public static string Ok(string nonce, string extra = "", bool isHead = false)
    {
        string body = $"{{\"nonce\":\"{nonce}\"}}";
        return $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{extra}Content-Length: {body.Length}\r\n\r\n{(isHead ? "" : body)}";
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        foreach (UpstreamPeer peer in _peers)
        {
            peer.Socket.Dispose();
        }

        await Task.WhenAll(_serving);
        _certificate?.Dispose();
        _ca?.Dispose();
        if (CaFile is not null)
        {
            File.Delete(CaFile);
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync();
                socket.NoDelay = true;
                _serving.Add(ServeAsync(socket));
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (_certificate is not null)
            {
                SslStream tls = new(stream);
                await tls.AuthenticateAsServerAsync(_certificate);
                stream = tls;
            }

            UpstreamPeer peer = new(socket, stream);
            _peers.Enqueue(peer);
            await _script(peer);
            await stream.DisposeAsync();
        }
        catch (Exception fault) when (fault is IOException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The gateway ended it, or the test is over.
        }
        finally
        {
            socket.Dispose();
        }
    }
}
