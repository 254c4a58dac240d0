using System.Collections.Concurrent;

namespace Proxy.Simulator.Records;

/// <summary>What the simulator really answered, to compare a ledger with. Bounded: the oldest records go first.</summary>
public sealed class TruthTable(int capacity)
{
    private readonly ConcurrentDictionary<string, TruthRecord> _byId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<TruthRecord>> _waiters = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<TruthRecord> _order = new();
    private int _count;

    public bool Enabled => capacity > 0;

    public int Count => Volatile.Read(ref _count);

    /// <summary>All records, oldest first.</summary>
    public IReadOnlyCollection<TruthRecord> All() => _order.ToArray();

    /// <summary>Finds a record by the answer's <c>request-id</c> or the caller's <c>x-sim-id</c> (the latest, if repeated).</summary>
    public bool TryGet(string id, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TruthRecord? record) =>
        _byId.TryGetValue(id, out record);

    /// <summary>Waits until the answer with this request-id or x-sim-id has ended, however it ended.</summary>
    public Task<TruthRecord> WhenEndedAsync(string id, CancellationToken cancellationToken = default)
    {
        TaskCompletionSource<TruthRecord> waiter = _waiters.GetOrAdd(
            id, static _ => new TaskCompletionSource<TruthRecord>(TaskCreationOptions.RunContinuationsAsynchronously));
        // Registered first, looked up second: End() does it the other way round, so one of the two sees the other.
        if (_byId.TryGetValue(id, out TruthRecord? record) && record.Outcome != Outcome.Pending)
        {
            _waiters.TryRemove(id, out _);
            waiter.TrySetResult(record);
        }

        return waiter.Task.WaitAsync(cancellationToken);
    }

    public void Clear()
    {
        while (_order.TryDequeue(out _))
        {
            Interlocked.Decrement(ref _count);
        }

        _byId.Clear();
    }

    internal void Add(TruthRecord record)
    {
        if (!Enabled)
        {
            return;
        }

        _byId[record.RequestId] = record;
        if (record.Id is not null)
        {
            _byId[record.Id] = record;
        }

        _order.Enqueue(record);
        if (Interlocked.Increment(ref _count) > capacity && _order.TryDequeue(out TruthRecord? oldest))
        {
            Interlocked.Decrement(ref _count);
            _byId.TryRemove(new(oldest.RequestId, oldest));
            if (oldest.Id is not null)
            {
                _byId.TryRemove(new(oldest.Id, oldest));
            }
        }
    }

    internal void End(TruthRecord record, Outcome outcome)
    {
        record.Outcome = outcome;
        if (!_waiters.IsEmpty)
        {
            Wake(record.RequestId, record);
            if (record.Id is not null)
            {
                Wake(record.Id, record);
            }
        }
    }

    private void Wake(string id, TruthRecord record)
    {
        if (_waiters.TryRemove(id, out TaskCompletionSource<TruthRecord>? waiter))
        {
            waiter.TrySetResult(record);
        }
    }
}
