using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Pricing;
using Proxy.Core.Routing;
using Proxy.Core.Spend;
using Proxy.Core.Tests.Upstream;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>
/// A keep-alive request allocates nothing in Proxy.Core once warm: the whole exchange runs on the test's thread, whose allocations are counted to
/// the byte. What the TLS layer allocates below the seam is not in it; perf/README.md has that figure.
/// </summary>
[Collection(nameof(MeasuredAlone))]
public sealed class AllocationTests
{
    private const int WarmUp = 300;
    private const int Counted = 1000;

    [Fact]
    public async Task A_JSON_request_allocates_nothing() =>
        await AssertNothingAllocatedAsync(Request(2048), Encoding.ASCII.GetBytes(Bench.Ok("{\"id\":\"msg_1\",\"model\":\"claude-sonnet-5\",\"usage\":{\"input_tokens\":3,\"output_tokens\":5}}")), pieces: 1);

    [Fact]
    public async Task An_event_stream_allocates_nothing()
    {
        StringBuilder stream = new("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        Chunk(stream, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-sonnet-5\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n");
        for (int i = 0; i < 30; i++)
        {
            Chunk(stream, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word \"}}\n\n");
        }

        Chunk(stream, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":30}}\n\n");
        Chunk(stream, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        stream.Append("0\r\n\r\n");
        await AssertNothingAllocatedAsync(Request(2048), Encoding.ASCII.GetBytes(stream.ToString()), pieces: 10);
    }

    [Fact]
    public async Task A_body_that_goes_up_in_pieces_allocates_nothing() =>
        await AssertNothingAllocatedAsync(Request(200_000), Encoding.ASCII.GetBytes(Bench.Ok("{}")), pieces: 1);

    /// <summary>docs/security.md writes this bound down: what an idle connection costs, the transport's own objects aside.</summary>
    [Fact]
    public async Task A_connection_costs_less_than_8_KiB_until_it_has_something_to_do()
    {
        UpstreamEndpoint endpoint = new("api.anthropic.com", 443, useTls: true);
        await using UpstreamPool pool = new(endpoint, new OneDialer(new CannedUpstream(endpoint, [], 1)), new UpstreamPoolOptions(), TimeProvider.System);
        RouteTable routes = new([new Route("anthropic", "/anthropic", endpoint, pool, new RouteCredentials(Bench.ServerKey, true))]);
        using Gateway gateway = new(new GatewaySnapshot(KeyTable.Create([]), routes, PriceBook.BuiltIn, new GatewayLimits()), new RecyclingSink(), new GatewayHealth(), TimeProvider.System, NullLogger<Gateway>.Instance);
        TestConnection warmUp = new();
        Task warming = new GatewayConnectionHandler(gateway).OnConnectedAsync(warmUp);
        TestConnection client = new();
        GatewayConnectionHandler handler = new(gateway);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Task running = handler.OnConnectedAsync(client);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 1, 8 * 1024);
        warmUp.Leave();
        client.Leave();
        await warming;
        await running;
    }

    private static void Chunk(StringBuilder stream, string text) => stream.Append(text.Length.ToString("x")).Append("\r\n").Append(text).Append("\r\n");

    private static byte[] Request(int body) => Encoding.ASCII.GetBytes(Bench.Post("{\"model\":\"claude-sonnet-5\",\"messages\":\"" + new string('m', body) + "\"}", "x-claude-code-session-id: s\r\nUser-Agent: claude-cli\r\n"));

    private static async Task AssertNothingAllocatedAsync(byte[] request, byte[] response, int pieces)
    {
        UpstreamEndpoint endpoint = new("api.anthropic.com", 443, useTls: true);
        CannedUpstream upstream = new(endpoint, response, pieces);
        await using UpstreamPool pool = new(endpoint, new OneDialer(upstream), new UpstreamPoolOptions(), TimeProvider.System);
        RouteTable routes = new([new Route("anthropic", "/anthropic", endpoint, pool, new RouteCredentials(Bench.ServerKey, true))]);
        KeyTable keys = KeyTable.Create([new Principal { Key = new KeyIdentity(Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Bench.Key)))) }]);
        RecyclingSink sink = new();
        FakeTimeProvider time = new();
        using Gateway gateway = new(
            new GatewaySnapshot(keys, routes, PriceBook.BuiltIn, new GatewayLimits()), sink, new GatewayHealth(), time, NullLogger<Gateway>.Instance);
        TestConnection client = new(new BlockPool(16 * 1024));
        Task running = new GatewayConnectionHandler(gateway).OnConnectedAsync(client);

        long allocated = Serve(client, upstream, request, pieces, time);

        client.Leave();
        await running;
        Assert.Equal(WarmUp + Counted, sink.Completed);
        Assert.Equal(0, allocated);
    }

    private static long Serve(TestConnection client, CannedUpstream upstream, byte[] request, int pieces, FakeTimeProvider time)
    {
        long allocated = 0;
        for (int i = 0; i < WarmUp + Counted; i++)
        {
            // A connection that does so much in one tick would go on on another thread.
            time.Advance(CoarseClock.Period);
            long before = GC.GetAllocatedBytesForCurrentThread();

            // In parts, so that the exchange waits for the rest.
            for (int offset = 0; offset < request.Length; offset += 30_000)
            {
                PipeWriter sending = client.Sending;
                int count = Math.Min(30_000, request.Length - offset);
                for (int done = 0; done < count;)
                {
                    Span<byte> space = sending.GetSpan();
                    int piece = Math.Min(space.Length, count - done);
                    request.AsSpan(offset + done, piece).CopyTo(space);
                    sending.Advance(piece);
                    done += piece;
                }

                Assert.True(sending.FlushAsync().IsCompletedSuccessfully);
            }

            for (int piece = 0; piece < pieces; piece++)
            {
                upstream.Deliver();
                Assert.True(client.Received.TryRead(out ReadResult read));
                client.Received.AdvanceTo(read.Buffer.End);
            }

            allocated += i < WarmUp ? 0 : GC.GetAllocatedBytesForCurrentThread() - before;
        }

        return allocated;
    }

    private sealed class OneDialer(UpstreamConnection connection) : UpstreamDialer
    {
        public override Task<UpstreamConnection> DialAsync(UpstreamEndpoint endpoint, CancellationToken cancellationToken) => Task.FromResult(connection);
    }

    private sealed class RecyclingSink : ISpendSink
    {
        private SpendRecord? _free = new();

        public int Completed { get; private set; }

        public bool TryClaim([NotNullWhen(true)] out SpendRecord? record)
        {
            record = _free;
            _free = null;
            return record is not null;
        }

        public void Complete(SpendRecord record)
        {
            Completed++;
            record.Clear();
            _free = record;
        }
    }
}
