using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Upstream;

/// <summary>
/// A handshake that the network or the upstream cut off is no verdict on a certificate: nothing was sent, and it is tried once more.
/// </summary>
public sealed class HandshakeFaultTests
{
    public static TheoryData<string> Faults => ["reset", "end", "alert", "plain text"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_handshake_that_is_cut_off_is_tried_once_more(string fault)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(authority).DialAsync(listener.Tls, TestContext.Current.CancellationToken);
        await CutAsync(await listener.AcceptAsync(), fault);
        await using SslStream server = await listener.AcceptTlsAsync(authority.Present(LoopbackServer.Name));
        UpstreamConnection client = await dialing;
        await client.ExchangeAsync(server);
        client.Abort();
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_handshake_that_is_cut_off_twice_is_a_fault_of_the_handshake(string fault)
    {
        using LoopbackServer listener = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer().DialAsync(listener.Tls, TestContext.Current.CancellationToken);
        await CutAsync(await listener.AcceptAsync(), fault);
        await CutAsync(await listener.AcceptAsync(), fault);
        UpstreamException failure = await Assert.ThrowsAsync<UpstreamException>(() => dialing);
        Assert.Equal(ForwardFailure.UpstreamHandshake, failure.Failure);
        Assert.Contains($"{LoopbackServer.Name}:{listener.Port}", failure.Message, StringComparison.Ordinal);
        Assert.False(listener.HasPending);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Another_address_is_tried_where_there_is_one(string fault)
    {
        IPAddress first = IPAddress.Parse("127.0.0.1");
        IPAddress second = IPAddress.Parse("127.0.0.2");
        using LoopbackServer broken = new(first);
        using LoopbackServer listener = new(second, broken.Port);
        using TestAuthority authority = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(authority, null, first, second)
            .DialAsync(broken.Tls, TestContext.Current.CancellationToken);
        await CutAsync(await broken.AcceptAsync(), fault);
        await using SslStream server = await listener.AcceptTlsAsync(authority.Present(LoopbackServer.Name));
        (await dialing).Abort();
        Assert.False(broken.HasPending);
    }

    /// <summary>Behind the client's first message.</summary>
    private static async Task CutAsync(Socket server, string fault)
    {
        using (server)
        {
            Assert.NotEqual(0, await server.ReceiveAsync(new byte[16 * 1024], TestContext.Current.CancellationToken));
            switch (fault)
            {
                case "reset":
                    server.LingerState = new LingerOption(enable: true, 0);
                    break;
                case "alert":
                    // Fatal, handshake_failure (RFC 8446 §6).
                    await server.SendAsync(new byte[] { 0x15, 3, 3, 0, 2, 2, 40 }, TestContext.Current.CancellationToken);
                    break;
                case "plain text":
                    await server.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
                    break;
            }
        }
    }
}
