using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>http-rules row 54: a connection on which anything happened while it was idle is never handed out.</summary>
public sealed class IdleConnectionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_the_server_closed_is_dropped(bool useTls) =>
        await AssertDroppedAsync(useTls, async server => await server.DisposeAsync());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_received_surplus_bytes_is_dropped(bool useTls) =>
        await AssertDroppedAsync(useTls, async server => await server.WriteAsync("H"u8.ToArray(), TestContext.Current.CancellationToken));

    [Fact]
    public async Task One_whose_server_said_close_notify_is_dropped() =>
        await AssertDroppedAsync(useTls: true, async server => await ((SslStream)server).ShutdownAsync());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Surplus_that_came_before_the_return_is_seen_by_it(bool useTls)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        await using UpstreamPool pool = Pool(listener, useTls ? authority : null);
        (StreamUpstreamConnection client, Stream server) = await DialAsync(pool, listener, useTls ? authority : null);
        await using (server)
        {
            await client.ExchangeAsync(server);
            int before = client.Socket.Available;
            await server.WriteAsync("surplus"u8.ToArray(), TestContext.Current.CancellationToken);
            await Wire.UntilAsync(() => client.Socket.Available > before, "surplus bytes in the socket");
            pool.Return(client);
            Assert.Equal(0, pool.IdleCount);
        }
    }

    [Fact]
    public async Task Session_tickets_do_not_kill_it()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        await using UpstreamPool pool = Pool(listener, authority);
        (StreamUpstreamConnection client, Stream server) = await DialAsync(pool, listener, authority, SslProtocols.Tls13);
        await using (server)
        {
            // The server's handshake is over, so its tickets are in the socket or on their way; nobody has read any yet.
            await Wire.UntilAsync(() => client.Socket.Available > 0, "session tickets");
            pool.Return(client);
            await Wire.UntilAsync(() => client.Socket.Available == 0, "the tickets taken");
            Assert.True(pool.TryRent(out UpstreamConnection? rented));
            Assert.Same(client, rented);
            await rented!.ExchangeAsync(server);
            pool.Return(client);
            Assert.Equal(1, pool.IdleCount);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_read_that_watched_it_is_the_wait_of_the_next_response(bool useTls)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        await using UpstreamPool pool = Pool(listener, useTls ? authority : null);
        (StreamUpstreamConnection client, Stream server) = await DialAsync(pool, listener, useTls ? authority : null);
        await using (server)
        {
            for (int i = 0; i < 5; i++)
            {
                pool.Return(client);
                Assert.True(pool.TryRent(out UpstreamConnection? rented));
                Assert.Same(client, rented);
                await rented!.ExchangeAsync(server);
            }

            // Rented, not used, returned: still the one read.
            pool.Return(client);
            Assert.True(pool.TryRent(out _));
            client.BeginRequest();
            pool.Return(client);
            Assert.True(pool.TryRent(out _));
            await client.ExchangeAsync(server);
            client.Abort();
        }
    }

    [Fact]
    public async Task One_that_another_thread_cut_is_dropped()
    {
        using LoopbackServer listener = new();
        await using UpstreamPool pool = Pool(listener, authority: null);
        (StreamUpstreamConnection client, Stream server) = await DialAsync(pool, listener, authority: null);
        await using (server)
        {
            pool.Return(client);
            client.Abort();
            Assert.False(pool.TryRent(out _));
        }
    }

    /// <summary>The events of bytes that were read already end a receive into no buffer, and must not make the connection look dead.</summary>
    [Fact]
    public async Task One_whose_responses_came_in_many_pieces_is_kept()
    {
        const int requests = 1000;
        const int pieces = 20;
        const int length = 3000;
        using LoopbackServer listener = new();
        await using UpstreamPool pool = Pool(listener, authority: null);
        (StreamUpstreamConnection client, Stream stream) = await DialAsync(pool, listener, authority: null);
        BlockingServer server = new(stream, requestLength: 1, length, pieces);
        pool.Return(client);
        for (int i = 0; i < requests; i++)
        {
            Assert.True(pool.TryRent(out UpstreamConnection? rented), $"lost after {i} requests");
            rented!.BeginRequest();
            await rented.SendAsync([1]);
            _ = await rented.ReceiveAsync(pieces * length);
            pool.Return(rented);
        }

        await pool.DisposeAsync();
        server.Join();
    }

    private static async Task AssertDroppedAsync(bool useTls, Func<Stream, Task> happening)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        await using UpstreamPool pool = Pool(listener, useTls ? authority : null);
        (StreamUpstreamConnection client, Stream server) = await DialAsync(pool, listener, useTls ? authority : null);
        await using (server)
        {
            await client.ExchangeAsync(server);
            pool.Return(client);
            Assert.True(client.IsIdleAndHealthy);
            Assert.Equal(1, pool.IdleCount);
            await happening(server);
            await Wire.UntilAsync(() => !client.IsIdleAndHealthy, "the end of an idle connection");
            Assert.False(pool.TryRent(out _));
            Assert.Equal(0, pool.IdleCount);
            Assert.True(client.Socket.SafeHandle.IsClosed);
        }
    }

    private static UpstreamPool Pool(LoopbackServer listener, TestAuthority? authority) =>
        new(authority is null ? listener.Plain : listener.Tls, LoopbackServer.Dialer(authority), new UpstreamPoolOptions(), TimeProvider.System);

    private static async Task<(StreamUpstreamConnection Client, Stream Server)> DialAsync(
        UpstreamPool pool, LoopbackServer listener, TestAuthority? authority, SslProtocols protocols = SslProtocols.None)
    {
        Task<UpstreamConnection> dialing = pool.DialAsync();
        Stream server = authority is null
            ? new NetworkStream(await listener.AcceptAsync(), ownsSocket: true)
            : await listener.AcceptTlsAsync(authority.Present(LoopbackServer.Name), protocols);
        return ((StreamUpstreamConnection)await dialing, server);
    }
}
