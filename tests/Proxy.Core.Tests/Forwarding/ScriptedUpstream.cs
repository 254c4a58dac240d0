using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>An upstream connection in memory: the test plays the server, byte by byte.</summary>
internal sealed class ScriptedUpstream(UpstreamEndpoint endpoint) : UpstreamConnection(endpoint)
{
    private readonly Pipe _sent = new(new PipeOptions(null, PipeScheduler.Inline, PipeScheduler.Inline, 128 * 1024, 64 * 1024, useSynchronizationContext: false));
    private readonly Pipe _response = new(new PipeOptions(null, PipeScheduler.Inline, PipeScheduler.Inline, 0, useSynchronizationContext: false));
    private readonly byte[] _buffer = new byte[128 * 1024];
    private int _pending;
    private long _bytesSent;
    private volatile bool _aborted;

    /// <summary>The next flush fails before a byte of it leaves.</summary>
    public bool FailNextSend { get; set; }

    public bool WasAborted => _aborted;

    public int Flushes { get; private set; }

    /// <summary>The latest bytes that left, also when the connection was cut behind them.</summary>
    public string LastFlushed { get; private set; } = "";

    public override long BytesSent => _bytesSent;

    public override bool IsStreaming { get; set; }

    public override int PendingSend => _pending;

    public override void BeginRequest() => _bytesSent = 0;

    public override async ValueTask<int> WaitReadableAsync()
    {
        ReadResult read = await _response.Reader.ReadAsync();
        _response.Reader.AdvanceTo(read.Buffer.Start);
        ThrowIfAborted();
        return 0;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> destination)
    {
        ReadResult read = await _response.Reader.ReadAsync();
        ThrowIfAborted();
        int count = (int)Math.Min(destination.Length, read.Buffer.Length);
        read.Buffer.Slice(0, count).CopyTo(destination.Span);
        _response.Reader.AdvanceTo(read.Buffer.GetPosition(count));
        return count;
    }

    public override Memory<byte> GetSendMemory(int sizeHint) => _buffer.AsMemory(_pending);

    public override void AdvanceSend(int count) => _pending += count;

    public override async ValueTask FlushAsync()
    {
        ThrowIfAborted();
        if (FailNextSend)
        {
            FailNextSend = false;
            throw new IOException("scripted: broken pipe");
        }

        Flushes++;
        byte[] piece = _buffer.AsSpan(0, _pending).ToArray();
        _pending = 0;
        LastFlushed = Encoding.Latin1.GetString(piece);
        _bytesSent += piece.Length;
        _ = await _sent.Writer.WriteAsync(piece);
        ThrowIfAborted();
    }

    public override void EndRequest()
    {
    }

    protected internal override void BeginIdle()
    {
    }

    protected internal override bool IsIdleAndHealthy => !_aborted;

    public override void Abort()
    {
        _aborted = true;
        _response.Writer.Complete();
        _sent.Writer.Complete();
        _sent.Reader.Complete();
    }

    public async Task RespondAsync(string text) => await RespondAsync(Encoding.Latin1.GetBytes(text));

    public async Task RespondAsync(byte[] bytes) => await _response.Writer.WriteAsync(bytes);

    /// <summary>The server closes its side.</summary>
    public void EndResponses() => _response.Writer.Complete();

    /// <summary>What the gateway sent, up to and with <paramref name="end"/>.</summary>
    public async Task<string> ReceiveUntilAsync(string end)
    {
        byte[] wanted = Encoding.Latin1.GetBytes(end);
        while (true)
        {
            ReadResult read = await _sent.Reader.ReadAsync();
            byte[] all = read.Buffer.ToArray();
            int at = all.AsSpan().IndexOf(wanted);
            if (at >= 0)
            {
                _sent.Reader.AdvanceTo(read.Buffer.GetPosition(at + wanted.Length));
                return Encoding.Latin1.GetString(all, 0, at + wanted.Length);
            }

            _sent.Reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                throw new EndOfStreamException($"the gateway cut the upstream after: {Encoding.Latin1.GetString(all)}");
            }
        }
    }

    /// <summary>Exactly this many bytes of what the gateway sent.</summary>
    public async Task<byte[]> ReceiveAsync(int count)
    {
        ReadResult read = await _sent.Reader.ReadAtLeastAsync(count);
        byte[] bytes = read.Buffer.Slice(0, count).ToArray();
        _sent.Reader.AdvanceTo(read.Buffer.GetPosition(count));
        return bytes;
    }

    private void ThrowIfAborted()
    {
        if (_aborted)
        {
            throw new IOException("scripted: aborted");
        }
    }
}
