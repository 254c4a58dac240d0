using System.Diagnostics.CodeAnalysis;
using Proxy.Core.Metering;

namespace Proxy.Host.Storage;

/// <summary>
/// The records there are: made when first needed, at most so many. Newest first, so that a quiet gateway works with few and warm ones.
/// The lock is held for a handful of instructions, which costs less than the node a lock-free stack would allocate.
/// </summary>
internal sealed class RecordPool(int capacity)
{
    private readonly Lock _lock = new();
    private readonly SpendRecord?[] _free = new SpendRecord?[capacity];
    private int _freeCount;
    private int _made;

    /// <summary>Records with an exchange or on their way to the ledger.</summary>
    public int InUse
    {
        get
        {
            lock (_lock)
            {
                return _made - _freeCount;
            }
        }
    }

    public bool TryTake([NotNullWhen(true)] out SpendRecord? record)
    {
        lock (_lock)
        {
            if (_freeCount > 0)
            {
                record = _free[--_freeCount]!;
                _free[_freeCount] = null;
                return true;
            }

            if (_made == capacity)
            {
                record = null;
                return false;
            }

            _made++;
        }

        record = new SpendRecord();
        return true;
    }

    public void Return(SpendRecord record)
    {
        record.Clear();
        lock (_lock)
        {
            _free[_freeCount++] = record;
        }
    }
}
