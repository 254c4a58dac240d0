using System.Net.Sockets;
using System.Security.Authentication;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Upstream;

/// <summary>
/// What a request costs in allocated bytes on a real connection, once warm. The limits leave room for what the runtime's sockets and its pooled state
/// machines allocate when the threads that take one and give it back differ; most runs show less than ten bytes.
/// </summary>
[Collection(nameof(MeasuredAlone))]
public sealed class ConnectionAllocationTests(ITestOutputHelper output)
{
    private const int WarmUp = 500;
    private const int Counted = 2000;
    private const int RequestLength = 2000;
    private const int ResponseLength = 3000;

    [Fact]
    public async Task Renting_sending_and_returning_allocate_nothing()
    {
        using LoopbackServer listener = new();
        await using UpstreamPool pool = new(listener.Plain, LoopbackServer.Dialer(), new UpstreamPoolOptions(), TimeProvider.System);
        UpstreamConnection connection = await pool.DialAsync();
        using Socket server = await listener.AcceptAsync();
        pool.Return(connection);
        byte[] request = new byte[100];

        // One request per buffer of the kernel's, so that no send ever waits.
        for (int i = 0; i < 50; i++)
        {
            Send(pool, request);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
        {
            Send(pool, request);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("plain", 1, 512)]
    [InlineData("plain", 20, 512)]
    [InlineData("tls12", 1, 4096)]
    [InlineData("tls13", 1, 4096)]
    [InlineData("tls13", 20, 8192)]
    public async Task A_request_and_its_response_allocate_little(string transport, int events, int limit)
    {
        using LoopbackServer listener = new();
        using TestAuthority authority = new();
        bool useTls = transport != "plain";
        await using UpstreamPool pool = new(
            useTls ? listener.Tls : listener.Plain, LoopbackServer.Dialer(useTls ? authority : null), new UpstreamPoolOptions(), TimeProvider.System);
        Task<UpstreamConnection> dialing = pool.DialAsync();
        Stream stream = useTls
            ? await listener.AcceptTlsAsync(authority.Present(LoopbackServer.Name), transport == "tls12" ? SslProtocols.Tls12 : SslProtocols.Tls13)
            : new NetworkStream(await listener.AcceptAsync(), ownsSocket: true);
        pool.Return(await dialing);

        // On a thread of its own and without asynchrony, so that what it allocates can be told apart.
        BlockingServer server = new(stream, RequestLength, ResponseLength, events);
        await RunAsync(pool, WarmUp, events);
        long before = GC.GetTotalAllocatedBytes(precise: true) - server.AllocatedBytes;
        await RunAsync(pool, Counted, events);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - server.AllocatedBytes - before;

        output.WriteLine($"{transport}, {events} events: {(double)allocated / Counted:F1} bytes allocated per request and response");
        Assert.True(allocated / Counted <= limit, $"{allocated / Counted} bytes per request");
        await pool.DisposeAsync();
        server.Join();
    }

    private static void Send(UpstreamPool pool, byte[] request)
    {
        Assert.True(pool.TryRent(out UpstreamConnection? connection));
        connection!.BeginRequest();
        request.CopyTo(connection.GetSendMemory(request.Length).Span);
        connection.AdvanceSend(request.Length);
        ValueTask flush = connection.FlushAsync();
        Assert.True(flush.IsCompletedSuccessfully);
        flush.GetAwaiter().GetResult();
        connection.EndRequest();
        pool.Return(connection);
    }

    private static async Task RunAsync(UpstreamPool pool, int requests, int events)
    {
        byte[] request = new byte[RequestLength];
        byte[] response = new byte[ResponseLength];
        for (int i = 0; i < requests; i++)
        {
            if (!pool.TryRent(out UpstreamConnection? connection))
            {
                throw new InvalidOperationException("the connection was lost");
            }

            connection!.BeginRequest();
            connection.IsStreaming = events > 1;
            request.CopyTo(connection.GetSendMemory(RequestLength));
            connection.AdvanceSend(RequestLength);
            await connection.FlushAsync();
            connection.EndRequest();
            for (int received = 0; received < ResponseLength * events;)
            {
                _ = await connection.WaitReadableAsync();
                received += await connection.ReadAsync(response);
            }

            pool.Return(connection);
        }
    }
}
