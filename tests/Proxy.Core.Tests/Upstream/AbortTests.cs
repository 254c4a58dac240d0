using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>A connection that is cut from another thread lets nobody wait, and tells the upstream at once (http-rules row 58).</summary>
public sealed class AbortTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_pending_wait_fails(bool useTls, bool isQuiet)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(useTls ? authority : null);
        await using (server)
        {
            client.BeginRequest();
            client.IsStreaming = isQuiet;
            ValueTask<int> waiting = client.WaitReadableAsync();
            await OnAnotherThreadAsync(client.Abort);

            Exception fault = await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                _ = await waiting;
                _ = await client.ReadAsync(new byte[1]);
            });
            Assert.True(UpstreamConnection.IsTransportFault(fault), fault.ToString());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_blocked_write_fails_and_its_buffer_is_not_handed_to_anyone_else(bool useTls)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(useTls ? authority : null);
        await using (server)
        {
            client.BeginRequest();
            ValueTask flush;
            do
            {
                client.Append(new byte[UpstreamConnection.MaxSendHint]);
                flush = client.FlushAsync();
            }
            while (flush.IsCompletedSuccessfully);

            Task write = flush.AsTask();
            await OnAnotherThreadAsync(client.Abort);
            Exception fault = await Assert.ThrowsAnyAsync<Exception>(() => write);
            Assert.True(UpstreamConnection.IsTransportFault(fault), fault.ToString());

            Memory<byte> given = client.GetSendMemory(0);
            client.EndRequest();
            byte[] next = System.Buffers.ArrayPool<byte>.Shared.Rent(UpstreamConnection.MaxSendHint);
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(given, out ArraySegment<byte> segment));
            Assert.NotSame(segment.Array, next);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_upstream_sees_the_cut(bool useTls)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(useTls ? authority : null);
        await using (server)
        {
            client.Abort();
            await Assert.ThrowsAsync<IOException>(async () => _ = await server.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cutting_twice_and_using_it_afterwards_are_transport_faults_at_worst(bool useTls)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        (StreamUpstreamConnection client, Stream server) = await listener.ConnectAsync(useTls ? authority : null);
        await using (server)
        {
            await Task.WhenAll(OnAnotherThreadAsync(client.Abort), OnAnotherThreadAsync(client.Abort));
            client.Abort();
            client.BeginRequest();
            client.Append("late"u8);
            await AssertFaultAsync(async () => await client.FlushAsync());
            await AssertFaultAsync(async () => _ = await client.ReadAsync(new byte[1]));
            client.EndRequest();
            client.BeginIdle();
            Assert.False(client.IsIdleAndHealthy);
        }
    }

    private static async Task AssertFaultAsync(Func<Task> operation)
    {
        Exception fault = await Assert.ThrowsAnyAsync<Exception>(operation);
        Assert.True(UpstreamConnection.IsTransportFault(fault), fault.ToString());
    }

    private static Task OnAnotherThreadAsync(Action action) => Task.Run(action);
}
