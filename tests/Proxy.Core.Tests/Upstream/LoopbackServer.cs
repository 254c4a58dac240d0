using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>The upstream's side of real connections: the test accepts, speaks and cuts.</summary>
internal sealed class LoopbackServer : IDisposable
{
    /// <summary>The name that <see cref="Dialer"/> resolves to this server; addresses get no TLS session back.</summary>
    public const string Name = "upstream.test";

    private readonly Socket _listener;

    public LoopbackServer(IPAddress? address = null, int port = 0, int backlog = 64, int? receiveBuffer = null)
    {
        Address = address ?? IPAddress.Loopback;
        _listener = new Socket(Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer is { } size)
        {
            // Before it listens: connections take it over from their first window on.
            _listener.ReceiveBufferSize = size;
        }

        _listener.Bind(new IPEndPoint(Address, port));
        _listener.Listen(backlog);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
    }

    public IPAddress Address { get; }

    public int Port { get; }

    /// <summary>A connection waits to be accepted.</summary>
    public bool HasPending => _listener.Poll(0, SelectMode.SelectRead);

    public UpstreamEndpoint Plain => new(Name, Port, useTls: false);

    public UpstreamEndpoint Tls => new(Name, Port, useTls: true);

    public static TcpDialer Dialer(TestAuthority? authority = null, TimeProvider? time = null, params IPAddress[] addresses) => new(new TcpDialerOptions
    {
        ExtraCertificateAuthorities = authority?.Public,
        Time = time ?? TimeProvider.System,
        Resolve = (_, _) => Task.FromResult(addresses.Length > 0 ? addresses : [IPAddress.Loopback]),
    });

    public async Task<Socket> AcceptAsync()
    {
        Socket socket = await _listener.AcceptAsync(TestContext.Current.CancellationToken);
        socket.NoDelay = true;
        return socket;
    }

    public async Task<SslStream> AcceptTlsAsync(SslStreamCertificateContext certificate, SslProtocols protocols = SslProtocols.None, CountingStream? counting = null)
    {
        Socket socket = await AcceptAsync();
        Stream inner = new NetworkStream(socket, ownsSocket: true);
        if (counting is not null)
        {
            counting.Inner = inner;
            inner = counting;
        }

        SslStream stream = new(inner);
        await stream.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate,
                EnabledSslProtocols = protocols,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
            },
            TestContext.Current.CancellationToken);
        return stream;
    }

    /// <summary>Both ends of one connection, the server's as a stream whether plain or TLS.</summary>
    public async Task<(StreamUpstreamConnection Client, Stream Server)> ConnectAsync(TestAuthority? authority, SslProtocols protocols = SslProtocols.None)
    {
        Task<UpstreamConnection> dialing = Dialer(authority).DialAsync(authority is null ? Plain : Tls, TestContext.Current.CancellationToken);
        Stream server = authority is null
            ? new NetworkStream(await AcceptAsync(), ownsSocket: true)
            : await AcceptTlsAsync(authority.Present(Name), protocols);
        return ((StreamUpstreamConnection)await dialing, server);
    }

    public void Dispose() => _listener.Dispose();
}
