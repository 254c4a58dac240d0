using System.Diagnostics.CodeAnalysis;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>Keeps every record; has room for as many as the test allows.</summary>
internal sealed class TestSink : ISpendSink
{
    private readonly List<SpendRecord> _done = [];
    private readonly List<TaskCompletionSource> _waiters = [];

    public bool IsFull { get; set; }

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

    public bool TryClaim([NotNullWhen(true)] out SpendRecord? record)
    {
        record = IsFull ? null : new SpendRecord();
        Outstanding += IsFull ? 0 : 1;
        return !IsFull;
    }

    public void Complete(SpendRecord record)
    {
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
