using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Proxy.Core.Spend.Journal;

/// <summary>Opening: the lock on the directory, and what earlier runs left in it.</summary>
public sealed partial class SpendJournal
{
    private const string LockName = "lock";

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
        FileStream lockFile = Lock(directory);
        SpendJournal journal = new(directory, lockFile, options, time, logger);
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

    private static void CheckRange(int slots, [CallerArgumentExpression(nameof(slots))] string? option = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1, option);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots, SpendJournalOptions.MostSlots, option);
    }

    private static FileStream Lock(string directory)
    {
        try
        {
            PrivateFiles.CreateDirectory(directory);

            // An advisory lock of the kernel's, which ends with the process: it is never left behind.
            return PrivateFiles.Open(Path.Join(directory, LockName), FileMode.OpenOrCreate, FileShare.None);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new JournalException($"the spend journal in {directory} cannot be opened: {fault.Message}", fault);
        }
    }

    private void Recover()
    {
        foreach (string unfinished in Directory.GetFiles(_directory, "*" + JournalSegment.Extension + JournalSegment.UnfinishedExtension))
        {
            File.Delete(unfinished);
        }

        int interrupted = 0;
        string[] paths = Directory.GetFiles(_directory, "*" + JournalSegment.Extension);
        Array.Sort(paths, StringComparer.Ordinal);
        foreach (string path in paths)
        {
            // Only the one spelling: a copy under another would book its records twice.
            bool isNumber = int.TryParse(Path.GetFileNameWithoutExtension(path.AsSpan()), CultureInfo.InvariantCulture, out int number);
            if (!isNumber || number is < 1 or int.MaxValue || Path.GetFileName(path) != JournalSegment.NameOf(number))
            {
                SetAside(path, "its name is not that of a segment");
                continue;
            }

            _nextSegment = Math.Max(_nextSegment, number + 1);
            JournalSegment? segment = JournalSegment.Open(path, number, out string? defect);
            if (segment is null)
            {
                SetAside(path, defect!);
                continue;
            }

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
    /// Takes up a segment's records, and its free slots unless the configuration has no use for them: then it is kept until it is empty, and
    /// deleted at the start after that.
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

    /// <summary>Out of the way, but kept: there may be records in it that somebody can still read.</summary>
    private void SetAside(string path, string defect)
    {
        try
        {
            long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
            string aside;
            do
            {
                aside = $"{path}.aside-{now++}";
            }
            while (Path.Exists(aside));

            File.Move(path, aside);
            JournalLog.SetAside(_logger, path, defect, aside);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            JournalLog.LeftAlone(_logger, path, defect, fault.Message);
        }
    }
}
