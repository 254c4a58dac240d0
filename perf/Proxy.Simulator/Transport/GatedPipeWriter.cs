using System.IO.Pipelines;

namespace Proxy.Simulator.Transport;

/// <summary>Kestrel's way to the socket, which can be muted while the simulator writes the bytes of a response itself.</summary>
internal sealed class GatedPipeWriter(PipeWriter inner) : PipeWriter
{
    private byte[] _scratch = [];

    public bool Muted { get; set; }

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => Muted ? 0 : inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Muted ? Scratch(sizeHint) : inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => Muted ? Scratch(sizeHint) : inner.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        if (!Muted)
        {
            inner.Advance(bytes);
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        Muted ? default : inner.FlushAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        Muted ? default : inner.WriteAsync(source, cancellationToken);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private byte[] Scratch(int sizeHint)
    {
        int size = Math.Max(sizeHint, 4096);
        if (_scratch.Length < size)
        {
            _scratch = new byte[size];
        }

        return _scratch;
    }
}
