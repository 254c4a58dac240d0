using System.Threading.Tasks.Sources;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>Answers every request with the same bytes, in as many reads as the test says, and allocates nothing. Each read has to be let through by <see cref="Deliver"/>, so that the exchange really waits.</summary>
internal sealed class CannedUpstream(UpstreamEndpoint endpoint, byte[] response, int pieces) : UpstreamConnection(endpoint), IValueTaskSource<int>
{
    private readonly byte[] _send = new byte[MaxSendHint + 4096];
    private ManualResetValueTaskSourceCore<bool> _readable;
    private int _pending;
    private int _offset;

    public long TotalSent { get; private set; }

    public override long BytesSent => TotalSent;

    public override bool IsStreaming { get; set; }

    public override int PendingSend => _pending;

    public override void BeginRequest() => _offset = 0;

    public override ValueTask<int> WaitReadableAsync() => new(this, _readable.Version);

    /// <summary>The next piece of the response can be read.</summary>
    public void Deliver() => _readable.SetResult(true);

    public override ValueTask<int> ReadAsync(Memory<byte> destination)
    {
        int piece = (response.Length + pieces - 1) / pieces;
        int count = Math.Min(Math.Min(piece, response.Length - _offset), destination.Length);
        response.AsSpan(_offset, count).CopyTo(destination.Span);
        _offset += count;
        return new ValueTask<int>(count);
    }

    public override Memory<byte> GetSendMemory(int sizeHint) => _send.AsMemory(_pending);

    public override void AdvanceSend(int count) => _pending += count;

    public override ValueTask FlushAsync()
    {
        TotalSent += _pending;
        _pending = 0;
        return default;
    }

    public override void EndRequest()
    {
    }

    protected internal override void BeginIdle()
    {
    }

    protected internal override bool IsIdleAndHealthy => true;

    public override void Abort()
    {
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        _ = _readable.GetResult(token);
        _readable.Reset();
        return 0;
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _readable.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _readable.OnCompleted(continuation, state, token, flags);
}
