using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// The spend journal (design.md decision 9): files mapped into memory, a slot for each record that is not in the ledger yet, written in
/// place as its numbers arrive. However the process ends, the next one finds them. What is promised is the end of a process, not of a
/// machine: nothing is ever synced. Claim, checkpoint, complete and free take no lock, make no system call and allocate nothing in steady
/// state.
/// </summary>
public sealed class SpendJournal : IDisposable
{
    /// <summary>A disk that had no room is not asked again by each request.</summary>
    private static readonly TimeSpan GrowthRetry = TimeSpan.FromSeconds(1);

    private readonly JournalFolder _folder;
    private readonly SpendJournalOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly JournalSlot?[] _slots;
    private readonly FreeSlots _free;
    private readonly CompletedSlots _completed;
    private readonly List<SpendRecord> _recovered = [];
    private readonly Lock _growing = new();

    // Of segments that are kept only until they are empty.
    private int _inUseElsewhere;
    private volatile int _capacity;
    private volatile bool _growthFails;
    private long _growthFailedAt;
    private volatile bool _isClosed;

    private SpendJournal(JournalFolder folder, SpendJournalOptions options, TimeProvider time, ILogger logger)
    {
        _folder = folder;
        _options = options;
        _time = time;
        _logger = logger;
        _slots = new JournalSlot?[options.MaxSlots];
        _free = new FreeSlots(_slots);
        _completed = new CompletedSlots(_slots);
    }

    /// <summary>
    /// Finished and unfinished records of earlier runs, in the order of their ids. Each is the caller's until it frees it, and must not be
    /// read after.
    /// </summary>
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

    /// <summary>
    /// Opens the journal in this directory, which is made (for the owner only) when it is not there, and recovers what earlier runs left. A
    /// segment that is damaged or foreign is renamed and logged, and never in the way.
    /// </summary>
    /// <exception cref="JournalException">Another process has it, or the directory cannot be used.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static SpendJournal Open(string directory, SpendJournalOptions options, TimeProvider time, ILogger logger)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(logger);
        CheckRange(options.SlotsPerSegment);
        CheckRange(options.MaxSlots);
        SpendJournal journal = new(new JournalFolder(directory, time, logger), options, time, logger);
        try
        {
            journal.Recover();
            return journal;
        }
        catch (Exception fault)
        {
            journal.Dispose();
            if (fault is IOException or UnauthorizedAccessException)
            {
                throw new JournalException($"the spend journal in {directory} cannot be used: {fault.Message}", fault);
            }

            throw;
        }
    }

    /// <summary>
    /// A cleared record with a slot; false when all are in use and there can be no more now. Any thread; only growing the journal takes a
    /// lock and a few milliseconds.
    /// </summary>
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

    /// <summary>
    /// Clears a record that was taken or recovered, and its slot. Only when the ledger has it: the next run will not. Any thread.
    /// </summary>
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
    /// Gives the directory up for another process, once exchanges and the writer have ended: what is in it stays as it is, and is recovered
    /// by the next. A record that is still out may be used on, but is not written any more.
    /// </summary>
    public void Dispose()
    {
        lock (_growing)
        {
            _isClosed = true;
        }

        _folder.Dispose();
    }

    private static void CheckRange(int slots, [CallerArgumentExpression(nameof(slots))] string? option = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1, option);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots, SpendJournalOptions.MostSlots, option);
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

    private void Recover()
    {
        int interrupted = 0;
        foreach (JournalSegment segment in _folder.OpenSegments())
        {
            interrupted += Adopt(segment);
        }

        if (_recovered.Count > 0)
        {
            _recovered.Sort(static (left, right) => left.Id.CompareTo(right.Id));
            JournalLog.Recovered(_logger, _recovered.Count - interrupted, interrupted);
        }

        // A journal that cannot hold a single record is told at the start, and not by refusing every request.
        if (_capacity == 0)
        {
            AddSegment();
        }
    }

    /// <summary>
    /// Takes up a segment's records, and its free slots unless the configuration has no use for them: then it is kept until it is empty,
    /// and deleted at the start after that.
    /// </summary>
    /// <returns>How many of its records were interrupted.</returns>
    private int Adopt(JournalSegment segment)
    {
        SegmentLayout layout = segment.Layout;
        bool isUsed = layout.SlotSize == SegmentLayout.DefaultSlotSize && layout.SlotCount <= _options.MaxSlots - _capacity;
        int finished = 0;
        int interrupted = 0;
        int damaged = 0;

        // Downwards, so that the first one ends on top.
        for (int i = layout.SlotCount - 1; i >= 0; i--)
        {
            JournalSlot slot = new(this, segment, i) { Number = isUsed ? _capacity + i : -1 };
            SlotFinding finding = slot.Recover(segment.Slot(i));
            if (isUsed)
            {
                _slots[slot.Number] = slot;
            }

            if (slot.State == SlotState.Recovered)
            {
                _recovered.Add(slot.Record);
            }
            else if (isUsed)
            {
                _free.Push(slot);
            }

            finished += finding == SlotFinding.Finished ? 1 : 0;
            interrupted += finding == SlotFinding.Interrupted ? 1 : 0;
            damaged += finding == SlotFinding.Damaged ? 1 : 0;
        }

        if (damaged > 0)
        {
            JournalLog.Damaged(_logger, damaged, segment.Path);
        }

        if (isUsed)
        {
            _capacity += layout.SlotCount;
        }
        else if (finished + interrupted > 0)
        {
            _inUseElsewhere += finished + interrupted;
        }
        else
        {
            segment.Delete();
            JournalLog.Deleted(_logger, segment.Path);
        }

        return interrupted;
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
        JournalSegment segment = _folder.CreateSegment(count);
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
