using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// The spend journal (design.md decision 9): files mapped into memory, a slot for each record that is not in the ledger yet, written in place as
/// its numbers arrive. However the process ends, the next one finds them. What is promised is the end of a process, not of a machine: nothing is
/// ever synced. Claim, checkpoint, complete and free take no lock, make no system call and allocate nothing in steady state.
/// </summary>
public sealed partial class SpendJournal : IDisposable
{
    /// <summary>A disk that had no room is not asked again by each request.</summary>
    private static readonly TimeSpan GrowthRetry = TimeSpan.FromSeconds(1);

    private readonly string _directory;
    private readonly SpendJournalOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FileStream _lockFile;
    private readonly JournalSlot?[] _slots;
    private readonly FreeSlots _free;
    private readonly CompletedSlots _completed;
    private readonly List<SpendRecord> _recovered = [];
    private readonly Lock _growing = new();

    // Of segments that are kept only until they are empty.
    private int _inUseElsewhere;
    private int _nextSegment = 1;
    private volatile int _capacity;
    private volatile bool _growthFails;
    private long _growthFailedAt;
    private volatile bool _isClosed;

    private SpendJournal(string directory, FileStream lockFile, SpendJournalOptions options, TimeProvider time, ILogger logger)
    {
        _directory = directory;
        _lockFile = lockFile;
        _options = options;
        _time = time;
        _logger = logger;
        _slots = new JournalSlot?[options.MaxSlots];
        _free = new FreeSlots(_slots);
        _completed = new CompletedSlots(_slots);
    }

    /// <summary>Finished and unfinished records of earlier runs, in the order of their ids. Each is the caller's until it frees it, and must not be read after.</summary>
    public IReadOnlyList<SpendRecord> Recovered => _recovered;

    /// <summary>Records ever completed, recovered ones not counted.</summary>
    public long CompletedCount => _completed.Count;

    /// <summary>Records that are not free: with an exchange, on their way to the ledger, or recovered.</summary>
    public int InUse => Math.Max(0, _capacity - _free.Count) + Volatile.Read(ref _inUseElsewhere);

    /// <summary>Slots that exist; grows up to <see cref="SpendJournalOptions.MaxSlots"/>.</summary>
    public int Capacity => _capacity;

    /// <summary>Nothing can be claimed: all slots are in use, and there may be no more or the disk has no room for them.</summary>
    public bool IsFull => _free.Count == 0 && (_capacity >= _options.MaxSlots || _growthFails);

    internal bool IsClosed => _isClosed;

    /// <summary>A cleared record with a slot; false when all are in use and there can be no more now. Any thread; only growing the journal takes a lock and a few milliseconds.</summary>
    public bool TryClaim([NotNullWhen(true)] out SpendRecord? record)
    {
        while (!_isClosed)
        {
            if (_free.TryPop(out JournalSlot slot))
            {
                slot.State = SlotState.Claimed;
                record = slot.Record;
                return true;
            }

            if (!TryGrow())
            {
                break;
            }
        }

        record = null;
        return false;
    }

    /// <summary>Writes the record's final state and hands it to the writer. Any thread.</summary>
    /// <exception cref="InvalidOperationException">The record was not claimed from this journal, or completed before.</exception>
    public void Complete(SpendRecord record)
    {
        JournalSlot slot = SlotOf(record);
        if (slot.State != SlotState.Claimed)
        {
            ThrowNotYours();
        }

        slot.Finish();
        slot.State = SlotState.Completed;
        _completed.Add(slot);
    }

    /// <summary>Moves up to so many completed records to the list, in the order of completion. The one writer's thread only.</summary>
    /// <returns>How many.</returns>
    public int TakeCompleted(List<SpendRecord> destination, int max)
    {
        ArgumentNullException.ThrowIfNull(destination);
        int taken = 0;
        while (taken < max && _completed.TryTake(out JournalSlot slot))
        {
            slot.State = SlotState.Taken;
            destination.Add(slot.Record);
            taken++;
        }

        return taken;
    }

    /// <summary>Clears a record that was taken or recovered, and its slot. Only when the ledger has it: the next run will not. Any thread.</summary>
    /// <exception cref="InvalidOperationException">The record is not the writer's.</exception>
    public void Free(SpendRecord record)
    {
        JournalSlot slot = SlotOf(record);
        if (slot.State is not (SlotState.Taken or SlotState.Recovered))
        {
            ThrowNotYours();
        }

        slot.Clear();
        slot.State = SlotState.Free;
        if (slot.Number >= 0)
        {
            _free.Push(slot);
        }
        else
        {
            Interlocked.Decrement(ref _inUseElsewhere);
        }
    }

    /// <summary>
    /// Gives the directory up for another process, once exchanges and the writer have ended: what is in it stays as it is, and is recovered by
    /// the next. A record that is still out may be used on, but is not written any more.
    /// </summary>
    public void Dispose()
    {
        lock (_growing)
        {
            _isClosed = true;
        }

        _lockFile.Dispose();
    }

    [DoesNotReturn]
    private static void ThrowNotYours() => throw new InvalidOperationException("The record is not in the caller's hands.");

    private JournalSlot SlotOf(SpendRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.Slot is not JournalSlot slot || slot.Journal != this)
        {
            throw new InvalidOperationException("The record is not of this journal.");
        }

        return slot;
    }

    /// <summary>True when it is worth another try to claim.</summary>
    private bool TryGrow()
    {
        if (_capacity >= _options.MaxSlots)
        {
            return _free.Count > 0;
        }

        lock (_growing)
        {
            if (_isClosed || _free.Count > 0)
            {
                return !_isClosed;
            }

            if (_capacity >= _options.MaxSlots || (_growthFails && _time.GetElapsedTime(_growthFailedAt) < GrowthRetry))
            {
                return false;
            }

            try
            {
                AddSegment();
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                _growthFailedAt = _time.GetTimestamp();
                if (!_growthFails)
                {
                    _growthFails = true;
                    JournalLog.CannotGrow(_logger, _capacity, fault.Message);
                }

                return false;
            }

            if (_growthFails)
            {
                _growthFails = false;
                JournalLog.GrowsAgain(_logger, _capacity);
            }

            return true;
        }
    }

    private void AddSegment()
    {
        int count = Math.Min(_options.SlotsPerSegment, _options.MaxSlots - _capacity);
        JournalSegment segment = JournalSegment.Create(_directory, _nextSegment, count);
        _nextSegment++;
        JournalSlot[] slots = new JournalSlot[count];
        for (int i = 0; i < count; i++)
        {
            slots[i] = _slots[_capacity + i] = new JournalSlot(this, segment, i) { Number = _capacity + i };
        }

        // The first one on top; and the capacity last, so that nobody sees a full journal whose slots are on their way.
        for (int i = count - 1; i >= 0; i--)
        {
            _free.Push(slots[i]);
        }

        _capacity += count;
    }
}

/// <summary>How large the journal is. Immutable.</summary>
public sealed record SpendJournalOptions
{
    /// <summary>A slot's number is half of a word that is swapped at once.</summary>
    internal const int MostSlots = ushort.MaxValue;

    /// <summary>The journal grows by this many slots of 4 kB; 1 to 65535.</summary>
    public int SlotsPerSegment { get; init; } = 1024;

    /// <summary>Exchanges under way plus records that are not in the ledger yet; beyond it nothing can be claimed. 1 to 65535.</summary>
    public int MaxSlots { get; init; } = 16384;
}

/// <summary>The journal cannot be used at all: the message names the directory and the cause.</summary>
public sealed class JournalException : Exception
{
    public JournalException()
    {
    }

    public JournalException(string message)
        : base(message)
    {
    }

    public JournalException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
