using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>A client connection in memory: what a test writes is what the exchange reads, and the other way round. Continuations run inline, so that a test is deterministic.</summary>
internal sealed class TestConnection : ConnectionContext, IConnectionLifetimeNotificationFeature
{
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenSource _closeRequested = new();
    private readonly Pipe _toGateway;
    private readonly Pipe _toClient;

    public TestConnection(MemoryPool<byte>? pool = null, long outputPause = 64 * 1024)
    {
        PipeOptions Options(long pause) => new(
            pool, PipeScheduler.Inline, PipeScheduler.Inline, pause, Math.Max(1, pause / 2), minimumSegmentSize: 4096, useSynchronizationContext: false);
        _toGateway = new Pipe(Options(1024 * 1024));
        _toClient = new Pipe(Options(outputPause));
        Transport = new Duplex(_toGateway.Reader, _toClient.Writer);
        Features.Set<IConnectionLifetimeNotificationFeature>(this);
        ConnectionClosed = _closed.Token;
    }

    public override string ConnectionId { get; set; } = "test";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport { get; set; }

    public CancellationToken ConnectionClosedRequested
    {
        get => _closeRequested.Token;
        set => throw new NotSupportedException();
    }

    public bool WasAborted { get; private set; }

    public PipeReader Received => _toClient.Reader;

    public PipeWriter Sending => _toGateway.Writer;

    public void RequestClose() => _closeRequested.Cancel();

    public override void Abort(ConnectionAbortedException abortReason)
    {
        WasAborted = true;
        _closed.Cancel();
        _toGateway.Writer.Complete();
        _toClient.Reader.Complete();
    }

    public async Task SendAsync(string text) => await Sending.WriteAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await Sending.WriteAsync(bytes);

    /// <summary>The client leaves: what a transport does on FIN.</summary>
    public void Leave()
    {
        Sending.Complete();
        _closed.Cancel();
    }

    /// <summary>Reads until <paramref name="end"/> was received, and returns all up to and with it.</summary>
    public async Task<string> ReadUntilAsync(string end)
    {
        byte[] wanted = Encoding.Latin1.GetBytes(end);
        while (true)
        {
            ReadResult read = await Received.ReadAsync();
            byte[] all = read.Buffer.ToArray();
            int at = all.AsSpan().IndexOf(wanted);
            if (at >= 0)
            {
                Received.AdvanceTo(read.Buffer.GetPosition(at + wanted.Length));
                return Encoding.Latin1.GetString(all, 0, at + wanted.Length);
            }

            Received.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                throw new EndOfStreamException($"the gateway closed after: {Encoding.Latin1.GetString(all)}");
            }
        }
    }

    /// <summary>Reads one answer of the gateway's own: head and the JSON body behind it.</summary>
    public async Task<string> ReadAnswerAsync() => await ReadUntilAsync("\r\n\r\n") + await ReadUntilAsync("\"request_id\":") + await ReadUntilAsync("}");

    /// <summary>Reads to the end of the connection.</summary>
    public async Task<string> ReadToEndAsync()
    {
        while (true)
        {
            ReadResult read = await Received.ReadAsync();
            if (read.IsCompleted)
            {
                string text = Encoding.Latin1.GetString(read.Buffer.ToArray());
                Received.AdvanceTo(read.Buffer.End);
                return text;
            }

            Received.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
