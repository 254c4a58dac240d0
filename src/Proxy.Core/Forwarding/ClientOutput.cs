using System.IO.Pipelines;

namespace Proxy.Core.Forwarding;

/// <summary>
/// The way down to the client: counts what waits for a flush, and guards flushes by the deadline for clients that do not read. Owned by the
/// connection's task.
/// </summary>
internal sealed class ClientOutput(PipeWriter writer, Deadlines deadlines)
{
    private DeadlineKind _suspended;
    private bool _isPending;

    /// <summary>Bytes written since the last flush began.</summary>
    public int Unflushed { get; private set; }

    /// <summary>A flush is under way: what fails now is the client's doing.</summary>
    public bool IsFlushing { get; private set; }

    /// <summary>A new request.</summary>
    public void Begin()
    {
        Unflushed = 0;
        IsFlushing = false;
        _isPending = false;
    }

    public Memory<byte> GetMemory(int sizeHint) => writer.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint) => writer.GetSpan(sizeHint);

    public void Advance(int count)
    {
        writer.Advance(count);
        Unflushed += count;
    }

    /// <summary>Hands everything written to the transport. Its result goes to <see cref="TryEndFlush"/>.</summary>
    public ValueTask<FlushResult> FlushAsync()
    {
        Unflushed = 0;
        IsFlushing = true;
        ValueTask<FlushResult> flush = writer.FlushAsync();
        if (!flush.IsCompleted)
        {
            _isPending = true;
            _suspended = deadlines.Armed;
            deadlines.Arm(DeadlineKind.ClientRead);
        }

        return flush;
    }

    /// <summary>The flush is over: what was waited for before is waited for again.</summary>
    /// <returns>False when the client takes no more bytes.</returns>
    public bool TryEndFlush(in FlushResult result)
    {
        IsFlushing = false;
        if (_isPending)
        {
            _isPending = false;
            if (_suspended == DeadlineKind.None)
            {
                deadlines.Disarm();
            }
            else
            {
                deadlines.Arm(_suspended);
            }
        }

        return !result.IsCompleted;
    }
}
