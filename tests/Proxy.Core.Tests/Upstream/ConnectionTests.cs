using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>Bytes go both ways unchanged over real sockets and real TLS.</summary>
public sealed class ConnectionTests
{
    private const int Bulk = 8 * 1024 * 1024;

    public static TheoryData<string> Transports => ["plain", "tls12", "tls13"];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_connection_carries_one_request_after_another(string transport)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await ConnectAsync(listener, authority, transport);
        await using (server)
        {
            for (int i = 0; i < 3; i++)
            {
                await client.ExchangeAsync(server);
            }

            client.Abort();
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Eight_megabytes_arrive_unchanged_both_ways_at_once(string transport)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await ConnectAsync(listener, authority, transport);
        await using (server)
        {
            byte[] up = Wire.Noise(Bulk, seed: 1);
            byte[] down = Wire.Noise(Bulk, seed: 2);
            byte[] received = new byte[Bulk];
            client.BeginRequest();

            // Neither side waits for the other's direction to end.
            Task sending = client.SendAsync(up, piece: 61_333);
            Task<byte[]> receiving = client.ReceiveAsync(Bulk);
            Task serving = server.WriteAsync(down, TestContext.Current.CancellationToken).AsTask();
            await server.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
            await Task.WhenAll(sending, receiving, serving);

            Assert.Equal(up, received);
            Assert.Equal(down, await receiving);
            Assert.True(client.BytesSent >= Bulk);
            client.Abort();
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_quiet_response_arrives_event_by_event(string transport)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await ConnectAsync(listener, authority, transport);
        await using (server)
        {
            client.BeginRequest();
            client.IsStreaming = true;
            byte[] into = new byte[4096];
            for (int i = 0; i < 5; i++)
            {
                ValueTask<int> waiting = client.WaitReadableAsync();
                Assert.False(waiting.IsCompleted);
                byte[] sent = Encoding.ASCII.GetBytes($"data: {i}\n\n");
                await server.WriteAsync(sent, TestContext.Current.CancellationToken);
                _ = await waiting;
                int count = await client.ReadAsync(into);
                Assert.Equal(sent, into[..count]);
            }

            client.BeginRequest();
            Assert.False(client.IsStreaming);
            client.Abort();
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task The_end_of_the_stream_reads_as_zero(string transport)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await ConnectAsync(listener, authority, transport);
        await server.WriteAsync("last"u8.ToArray(), TestContext.Current.CancellationToken);
        await server.DisposeAsync();

        Assert.Equal("last"u8.ToArray(), await client.ReceiveAsync(4));
        _ = await client.WaitReadableAsync();
        Assert.Equal(0, await client.ReadAsync(new byte[16]));
        client.Abort();
    }

    [Fact]
    public async Task Nagle_never_holds_a_write_back()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        foreach (TestAuthority? tls in new[] { null, authority })
        {
            (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(tls);
            await using (server)
            {
                Assert.True(client.Socket.NoDelay);
                client.Abort();
            }
        }
    }

    [Fact]
    public async Task Sent_bytes_count_from_the_start_of_each_request()
    {
        using LoopbackServer listener = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(authority: null);
        await using (server)
        {
            client.BeginRequest();
            client.Append("0123456789"u8);
            Assert.Equal(10, client.PendingSend);
            Assert.Equal(0, client.BytesSent);
            await client.FlushAsync();
            Assert.Equal(0, client.PendingSend);
            Assert.Equal(10, client.BytesSent);
            client.EndRequest();
            client.BeginRequest();
            Assert.Equal(0, client.BytesSent);
            client.Abort();
        }
    }

    [Fact]
    public async Task Head_and_start_of_the_body_share_one_TLS_record()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(authority);
        await using (server)
        {
            client.BeginRequest();
            client.Append("POST / HTTP/1.1\r\n\r\n"u8);
            client.Append(new byte[1000]);
            await client.FlushAsync();

            // 5 bytes of record header, 1 of content type, 16 of tag: once.
            Assert.Equal(19 + 1000 + 22, client.BytesSent);
            client.Abort();
        }
    }

    [Fact]
    public async Task Records_are_gathered_until_they_are_uncorked()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (SocketStream socket, SslStream tls, SslStream server) = await ConnectRawAsync(listener, authority);
        await using (tls)
        await using (server)
        {
            byte[] body = Wire.Noise(UpstreamConnection.MaxSendHint, seed: 3);
            byte[] received = new byte[body.Length];
            socket.IsCorked = true;
            long before = socket.BytesSent;
            await tls.WriteAsync(body, TestContext.Current.CancellationToken);
            Assert.Equal(before, socket.BytesSent);

            await socket.UncorkAsync();
            Assert.Equal(before + body.Length + (4 * 22), socket.BytesSent);
            await server.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
            Assert.Equal(body, received);
        }
    }

    [Fact]
    public async Task A_full_cork_leaves_without_being_uncorked()
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (SocketStream socket, SslStream tls, SslStream server) = await ConnectRawAsync(listener, authority);
        await using (tls)
        await using (server)
        {
            byte[] body = Wire.Noise(5 * UpstreamConnection.MaxSendHint, seed: 4);
            byte[] received = new byte[body.Length];
            socket.IsCorked = true;
            long before = socket.BytesSent;
            Task reading = server.ReadExactlyAsync(received, TestContext.Current.CancellationToken).AsTask();
            await tls.WriteAsync(body, TestContext.Current.CancellationToken);
            Assert.NotEqual(before, socket.BytesSent);

            await socket.UncorkAsync();
            await reading;
            Assert.Equal(body, received);
        }
    }

    [Fact]
    public async Task A_returned_send_buffer_holds_no_credential()
    {
        using LoopbackServer listener = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(authority: null);
        await using (server)
        {
            client.BeginRequest();
            client.Append("x-api-key: secret"u8);
            await client.FlushAsync();

            // A second, shorter piece: what lies behind it is cleared as well.
            client.Append("end"u8);
            Memory<byte> behind = client.GetSendMemory(1);
            await client.FlushAsync();
            client.EndRequest();

            Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(behind, out ArraySegment<byte> segment));
            Assert.False(segment.Array.AsSpan(0, "x-api-key: secret".Length).ContainsAnyExcept((byte)0));
            client.Abort();
        }
    }

    [Fact]
    public async Task More_than_the_send_buffer_holds_is_refused()
    {
        using LoopbackServer listener = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(authority: null);
        await using (server)
        {
            Assert.True(client.GetSendMemory(UpstreamConnection.MaxSendHint).Length >= UpstreamConnection.MaxSendHint);
            client.AdvanceSend(1);
            Assert.Throws<ArgumentOutOfRangeException>(() => client.GetSendMemory(UpstreamConnection.MaxSendHint));
            client.Abort();
            client.EndRequest();
        }
    }

    private static Task<(StreamUpstreamConnection Client, Stream Server)> ConnectAsync(LoopbackServer listener, TestAuthority authority, string transport) => transport switch
    {
        "plain" => listener.ConnectAsync(authority: null),
        "tls12" => listener.ConnectAsync(authority, SslProtocols.Tls12),
        _ => listener.ConnectAsync(authority, SslProtocols.Tls13),
    };

    private static async Task<(SocketStream Socket, SslStream Client, SslStream Server)> ConnectRawAsync(LoopbackServer listener, TestAuthority authority)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.Address, listener.Port, TestContext.Current.CancellationToken);
        SocketStream stream = new(socket);
#pragma warning disable CA5359 // Records are looked at here; CertificateTests has the verification.
        SslStream client = new(stream, leaveInnerStreamOpen: false, (_, _, _, _) => true);
#pragma warning restore CA5359
        Task handshake = client.AuthenticateAsClientAsync(LoopbackServer.Name);
        SslStream server = await listener.AcceptTlsAsync(authority.Present(LoopbackServer.Name), SslProtocols.Tls13);
        await handshake;
        return (stream, client, server);
    }
}
