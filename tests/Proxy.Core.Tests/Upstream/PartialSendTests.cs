using System.Net.Sockets;
using Proxy.Core.Http1;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>What the kernel took of a send that then failed was sent: an inference must not run twice.</summary>
public sealed class PartialSendTests
{
    private const int SmallBuffer = 4096;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_part_that_left_before_the_reset_counts(bool isTls)
    {
        using LoopbackServer listener = new(receiveBuffer: SmallBuffer);
        using TestAuthority authority = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(authority)
            .DialAsync(isTls ? listener.Tls : listener.Plain, TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync();
        await using NetworkStream inner = new(server);
        await using System.Net.Security.SslStream tls = new(inner);
        if (isTls)
        {
            await tls.AuthenticateAsServerAsync(
                new() { ServerCertificateContext = authority.Present(LoopbackServer.Name) }, TestContext.Current.CancellationToken);
        }

        StreamUpstreamConnection client = (StreamUpstreamConnection)await dialing;
        client.Socket.SendBufferSize = SmallBuffer;
        client.BeginRequest();
        client.Append(new byte[UpstreamConnection.MaxSendHint]);
        ValueTask flush = client.FlushAsync();
        Assert.False(flush.IsCompleted);

        // The peer reads a part, and resets.
        Assert.NotEqual(0, await server.ReceiveAsync(new byte[100], TestContext.Current.CancellationToken));
        server.LingerState = new LingerOption(enable: true, 0);
        server.Dispose();
        Exception? fault = await Record.ExceptionAsync(async () => await flush);
        Assert.True(fault is not null && UpstreamConnection.IsTransportFault(fault), fault?.ToString());
        Assert.NotEqual(0, client.BytesSent);
        Assert.False(RetryPolicy.MayRetry(true, client.BytesSent, responseBytes: 0, isReplayable: true, MethodId.Post, attempt: 1));
        client.Abort();
        client.EndRequest();
    }

    [Fact]
    public async Task A_send_of_which_the_kernel_took_nothing_does_not_count()
    {
        using LoopbackServer listener = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(authority: null);
        ((NetworkStream)server).Socket.LingerState = new LingerOption(enable: true, 0);
        await server.DisposeAsync();
        _ = await Record.ExceptionAsync(async () => await client.WaitReadableAsync());
        client.BeginRequest();
        client.Append("POST"u8);
        Exception? fault = await Record.ExceptionAsync(async () => await client.FlushAsync());
        Assert.True(fault is not null && UpstreamConnection.IsTransportFault(fault), fault?.ToString());
        Assert.Equal(0, client.BytesSent);
        client.Abort();
        client.EndRequest();
    }

    [Fact]
    public async Task A_send_that_had_to_wait_counts_each_byte_once()
    {
        using LoopbackServer listener = new(receiveBuffer: SmallBuffer);
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(authority: null);
        client.Socket.SendBufferSize = SmallBuffer;
        client.BeginRequest();
        byte[] sent = Wire.Noise(UpstreamConnection.MaxSendHint, seed: 5);
        client.Append(sent);
        ValueTask flush = client.FlushAsync();
        Assert.False(flush.IsCompleted);
        byte[] received = new byte[sent.Length];
        await server.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
        await flush;
        Assert.Equal(sent, received);
        Assert.Equal(sent.Length, client.BytesSent);
        await server.DisposeAsync();
        client.Abort();
        client.EndRequest();
    }
}
