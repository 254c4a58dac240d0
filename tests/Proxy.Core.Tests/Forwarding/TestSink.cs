using System.Diagnostics.CodeAnalysis;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>Keeps every record; has room for as many as the test allows.</summary>
internal sealed class TestSink : ISpendSink
{
    private readonly List<SpendRecord> _done = [];
    private readonly List<TaskCompletionSource> _waiters = [];

    public bool IsFull { get; set; }

    /// <summary>Claims throw, as no claim ever should.</summary>
    public bool FailClaims { get; set; }

    /// <summary>The next completion throws, and takes nothing.</summary>
    public bool FailNextComplete { get; set; }

    /// <summary>Every record that was given out, in order.</summary>
    public List<SpendRecord> Claimed { get; } = [];

    public int Outstanding { get; private set; }

    public IReadOnlyList<SpendRecord> Done
    {
        get
        {
            lock (_done)
            {
                return [.. _done];
            }
        }
    }

    /// <summary>Which thread claimed each of them.</summary>
    public List<int> Threads { get; } = [];

    public bool TryClaim([NotNullWhen(true)] out SpendRecord? record)
    {
        if (FailClaims)
        {
            throw new InvalidOperationException("scripted: no claim");
        }

        record = IsFull ? null : new SpendRecord();
        if (record is not null)
        {
            Outstanding++;
            Claimed.Add(record);
            Threads.Add(Environment.CurrentManagedThreadId);
        }

        return record is not null;
    }

    public void Complete(SpendRecord record)
    {
        if (FailNextComplete)
        {
            FailNextComplete = false;
            throw new InvalidOperationException("scripted: not completed");
        }

        lock (_done)
        {
            Outstanding--;
            _done.Add(record);
            _waiters.ForEach(waiter => waiter.TrySetResult());
            _waiters.Clear();
        }
    }

    public async Task<SpendRecord> NextAsync(int index)
    {
        while (true)
        {
            Task wait;
            lock (_done)
            {
                if (_done.Count > index)
                {
                    return _done[index];
                }

                TaskCompletionSource waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiters.Add(waiter);
                wait = waiter.Task;
            }

            await wait;
        }
    }
}
