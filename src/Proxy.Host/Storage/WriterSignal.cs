namespace Proxy.Host.Storage;

/// <summary>
/// Wakes the ledger's writer: by a full batch or by the gather timer, not by each record. Any thread signals, one waits; no lock.
/// </summary>
internal sealed class WriterSignal : IDisposable
{
    private readonly int _batchSize;
    private readonly TimeSpan _gatherDelay;
    private readonly AutoResetEvent _wake = new(false);
    private readonly ITimer _timer;
    private int _waiting;
    private volatile bool _held;

    public WriterSignal(int batchSize, TimeSpan gatherDelay, TimeProvider time)
    {
        _batchSize = batchSize;
        _gatherDelay = gatherDelay;
        _timer = time.CreateTimer(static state => ((WriterSignal)state!)._wake.Set(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>One record more waits for the writer.</summary>
    public void RecordAdded()
    {
        // Its partner is Take, which forgets all that were counted before it looks for them.
        int waiting = Interlocked.Increment(ref _waiting);
        if (_held)
        {
            return;
        }

        if (waiting == _batchSize)
        {
            _wake.Set();
        }
        else if (waiting == 1)
        {
            _timer.Change(_gatherDelay, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The writer is about to take what waits.</summary>
    public void Take() => Interlocked.Exchange(ref _waiting, 0);

    /// <summary>While held, new records do not wake the writer: the ledger is away, and the retry timer decides.</summary>
    public void Hold(TimeSpan retryIn)
    {
        _held = true;
        _timer.Change(retryIn, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Records count again; what came while it was held is the writer's to look for.</summary>
    public void Release() => _held = false;

    public void Wake() => _wake.Set();

    public void Wait() => _wake.WaitOne();

    public void Dispose()
    {
        _timer.Dispose();
        _wake.Dispose();
    }
}
