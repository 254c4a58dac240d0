using Proxy.Core.Metering;

namespace Proxy.Host.Storage;

/// <summary>
/// Finished records on their way to the writer, and what wakes it: many producers, one consumer, a ring that cannot overflow because there
/// are never more records than places. The writer is woken by a full batch or by the gather timer, not by each record.
/// </summary>
internal sealed class RecordQueue : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SpendRecord?[] _ring;
    private readonly int _batchSize;
    private readonly TimeSpan _gatherDelay;
    private readonly AutoResetEvent _wake = new(false);
    private readonly ITimer _timer;
    private int _head;
    private int _count;
    private bool _held;

    public RecordQueue(int capacity, int batchSize, TimeSpan gatherDelay, TimeProvider time)
    {
        _ring = new SpendRecord?[capacity];
        _batchSize = batchSize;
        _gatherDelay = gatherDelay;
        _timer = time.CreateTimer(static state => ((RecordQueue)state!)._wake.Set(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Records ever added; with the writer's own count it tells what a flush must wait for.</summary>
    public long Added { get; private set; }

    public long ReadAdded()
    {
        lock (_lock)
        {
            return Added;
        }
    }

    public void Add(SpendRecord record)
    {
        bool first;
        bool full;
        lock (_lock)
        {
            int tail = _head + _count;
            _ring[tail >= _ring.Length ? tail - _ring.Length : tail] = record;
            _count++;
            Added++;
            first = _count == 1 && !_held;
            full = _count == _batchSize && !_held;
        }

        if (full)
        {
            _wake.Set();
        }
        else if (first)
        {
            _timer.Change(_gatherDelay, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Moves up to a batch to the list. The writer's thread only.</summary>
    public void TakeBatch(List<SpendRecord> batch)
    {
        lock (_lock)
        {
            while (_count > 0 && batch.Count < _batchSize)
            {
                batch.Add(_ring[_head]!);
                _ring[_head] = null;
                _head = _head + 1 == _ring.Length ? 0 : _head + 1;
                _count--;
            }
        }
    }

    /// <summary>While held, new records do not wake the writer: the ledger is away, and the retry timer decides.</summary>
    public void Hold(TimeSpan retryIn)
    {
        lock (_lock)
        {
            _held = true;
        }

        _timer.Change(retryIn, Timeout.InfiniteTimeSpan);
    }

    public void Release()
    {
        lock (_lock)
        {
            _held = false;
        }
    }

    public void Wake() => _wake.Set();

    public void Wait() => _wake.WaitOne();

    public void Dispose()
    {
        _timer.Dispose();
        _wake.Dispose();
    }
}
