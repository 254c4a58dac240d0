using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Upstream;

/// <summary>A connection that only lives and dies.</summary>
internal sealed class FakeConnection(UpstreamEndpoint endpoint) : UpstreamConnection(endpoint)
{
    public bool IsAborted { get; private set; }

    public bool IsDirty { get; set; }

    public bool IsWatched { get; private set; }

    public override long BytesSent => 0;

    public override bool IsStreaming { get; set; }

    public override int PendingSend => 0;

    protected internal override bool IsIdleAndHealthy => IsWatched && !IsAborted && !IsDirty;

    public override void BeginRequest()
    {
    }

    public override ValueTask<int> WaitReadableAsync() => throw new NotSupportedException();

    public override ValueTask<int> ReadAsync(Memory<byte> destination) => throw new NotSupportedException();

    public override Memory<byte> GetSendMemory(int sizeHint) => throw new NotSupportedException();

    public override void AdvanceSend(int count) => throw new NotSupportedException();

    public override ValueTask FlushAsync() => throw new NotSupportedException();

    public override void EndRequest()
    {
    }

    public override void Abort() => IsAborted = true;

    protected internal override void BeginIdle() => IsWatched = true;
}
