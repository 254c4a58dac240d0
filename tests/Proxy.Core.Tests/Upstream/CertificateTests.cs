using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>http-rules row 59: no byte of a request goes to a server that did not prove who it is.</summary>
public sealed class CertificateTests
{
    [Fact]
    public async Task A_wrong_name_is_refused()
    {
        using TestAuthority authority = new();
        await AssertRefusedAsync(LoopbackServer.Dialer(authority), authority.Present("elsewhere.test"));
    }

    [Fact]
    public async Task An_expired_certificate_is_refused()
    {
        using TestAuthority authority = new();
        await AssertRefusedAsync(LoopbackServer.Dialer(authority), authority.Present(LoopbackServer.Name, isExpired: true));
    }

    [Fact]
    public async Task An_issuer_that_nobody_named_is_refused()
    {
        using TestAuthority authority = new();
        await AssertRefusedAsync(LoopbackServer.Dialer(), authority.Present(LoopbackServer.Name));
    }

    [Fact]
    public async Task Another_issuer_than_the_named_one_is_refused()
    {
        using TestAuthority authority = new();
        using TestAuthority named = new();
        await AssertRefusedAsync(LoopbackServer.Dialer(named), authority.Present(LoopbackServer.Name));
    }

    [Fact]
    public async Task A_certificate_for_clients_is_refused()
    {
        using TestAuthority authority = new();
        await AssertRefusedAsync(LoopbackServer.Dialer(authority), authority.Present(LoopbackServer.Name, usage: "1.3.6.1.5.5.7.3.2"));
    }

    [Fact]
    public async Task A_wrong_name_from_an_unknown_issuer_is_refused()
    {
        using TestAuthority authority = new();
        using TestAuthority named = new();
        await AssertRefusedAsync(LoopbackServer.Dialer(named), authority.Present("elsewhere.test"));
    }

    [Fact]
    public async Task A_chain_over_an_intermediate_is_accepted()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        using TestAuthority intermediate = authority.IssueIntermediate();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(authority).DialAsync(listener.Tls, TestContext.Current.CancellationToken);
        await using SslStream server = await listener.AcceptTlsAsync(authority.Present(LoopbackServer.Name, intermediate: intermediate));
        UpstreamConnection client = await dialing;
        await client.ExchangeAsync(server);
        client.Abort();
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task A_certificate_for_an_address_is_accepted(string host)
    {
        using LoopbackServer listener = new(IPAddress.Parse(host));
        using TestAuthority authority = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(authority).DialAsync(new UpstreamEndpoint(host, listener.Port, useTls: true), TestContext.Current.CancellationToken);
        await using SslStream server = await listener.AcceptTlsAsync(authority.Present(host));
        UpstreamConnection client = await dialing;
        await client.ExchangeAsync(server);
        client.Abort();
    }

    [Fact]
    public async Task The_server_is_asked_by_name_for_HTTP_1_1()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(authority);
        await using (server)
        {
            SslStream tls = (SslStream)server;
            Assert.Equal(LoopbackServer.Name, tls.TargetHostName);
            Assert.Equal(SslApplicationProtocol.Http11, tls.NegotiatedApplicationProtocol);
            client.Abort();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_never_answers_the_handshake_is_a_TLS_timeout()
    {
        using LoopbackServer listener = new();
        ObservedTime time = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(time: time).DialAsync(listener.Tls, TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync();
        await time.UntilTimersAsync(3);
        time.Advance(TimeSpan.FromSeconds(11));
        UpstreamException fault = await Assert.ThrowsAsync<UpstreamException>(() => dialing);
        Assert.Equal(ForwardFailure.UpstreamTlsTimeout, fault.Failure);
        Assert.Contains($"{LoopbackServer.Name}:{listener.Port}", fault.Message, StringComparison.Ordinal);
        await AssertClosedAsync(server);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_dial_that_is_called_off_leaves_no_socket_behind()
    {
        using LoopbackServer listener = new();
        using CancellationTokenSource calledOff = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer().DialAsync(listener.Tls, calledOff.Token).WaitAsync(TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync();
        Assert.NotEqual(0, await server.ReceiveAsync(new byte[5]));
        await calledOff.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dialing);
        await AssertClosedAsync(server);
    }

    [Fact]
    public async Task An_old_protocol_version_is_refused()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(authority).DialAsync(listener.Tls, TestContext.Current.CancellationToken);
#pragma warning disable SYSLIB0039, CA5397, CA5398 // The point of the test.
        for (int attempt = 0; attempt < 2; attempt++)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => listener.AcceptTlsAsync(authority.Present(LoopbackServer.Name), SslProtocols.Tls11));
        }
#pragma warning restore SYSLIB0039, CA5397, CA5398

        // The server's alert: which of the two cannot do better, nobody can tell.
        Assert.Equal(ForwardFailure.UpstreamHandshake, (await Assert.ThrowsAsync<UpstreamException>(() => dialing)).Failure);
    }

    private static async Task AssertRefusedAsync(TcpDialer dialer, SslStreamCertificateContext certificate)
    {
        using LoopbackServer listener = new();
        Task<UpstreamConnection> dialing = dialer.DialAsync(listener.Tls, TestContext.Current.CancellationToken);
        int received = 0;
        try
        {
            await using SslStream server = await listener.AcceptTlsAsync(certificate);
            received = await server.ReadAsync(new byte[1], TestContext.Current.CancellationToken);
        }
        catch (Exception fault) when (fault is IOException or AuthenticationException)
        {
            // The alert, or the cut.
        }

        UpstreamException refusal = await Assert.ThrowsAsync<UpstreamException>(() => dialing);
        Assert.Equal(ForwardFailure.UpstreamTls, refusal.Failure);
        Assert.Contains($"{LoopbackServer.Name}:{listener.Port}", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, received);
        Assert.False(listener.HasPending, "a certificate that is not trusted was asked for again");
    }

    private static async Task AssertClosedAsync(Socket server)
    {
        byte[] rest = new byte[4096];
        try
        {
            while (await server.ReceiveAsync(rest, TestContext.Current.CancellationToken) > 0)
            {
                // What is left of the client's hello.
            }
        }
        catch (SocketException)
        {
            // Reset: closed all the same.
        }
    }
}
