using System.Net.Security;
using System.Security.Authentication;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>The second handshake with an upstream is a short one: no certificate crosses the wire (dotnet-notes A.9).</summary>
public sealed class SessionResumptionTests
{
    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Sessions_resume_between_connections_to_one_endpoint(SslProtocols protocol)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        SslStreamCertificateContext certificate = authority.Present(LoopbackServer.Name);
        TcpDialer dialer = LoopbackServer.Dialer(authority);
        UpstreamEndpoint endpoint = listener.Tls;

        long full = await HandshakeAsync(listener, dialer, endpoint, certificate, protocol);
        long resumed = await HandshakeAsync(listener, dialer, endpoint, certificate, protocol);

        // The certificate alone is more than this.
        Assert.True(full - resumed > 300, $"{full} bytes from the server in the first handshake, {resumed} in the second");
    }

    /// <returns>Bytes that the server wrote for its handshake.</returns>
    private static async Task<long> HandshakeAsync(
        LoopbackServer listener, TcpDialer dialer, UpstreamEndpoint endpoint, SslStreamCertificateContext certificate, SslProtocols protocol)
    {
        CountingStream counting = new();
        Task<UpstreamConnection> dialing = dialer.DialAsync(endpoint, TestContext.Current.CancellationToken);
        await using SslStream server = await listener.AcceptTlsAsync(certificate, protocol, counting);
        long written = counting.Written;
        UpstreamConnection client = await dialing;

        // The tickets of TLS 1.3 come with what is read first.
        await client.ExchangeAsync(server);
        client.Abort();
        return written;
    }
}
