using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

public sealed class SpendJournalTests : IDisposable
{
    private readonly JournalDirectory _directory = new();
    private readonly List<SpendRecord> _taken = [];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Records_are_taken_in_the_order_they_were_completed()
    {
        SpendJournal journal = _directory.Open();
        SpendRecord[] records = [Claim(journal), Claim(journal), Claim(journal), Claim(journal)];

        journal.Complete(records[2]);
        journal.Complete(records[0]);
        Assert.Equal(1, journal.TakeCompleted(_taken, 1));
        journal.Complete(records[3]);
        journal.Complete(records[1]);
        Assert.Equal(3, journal.TakeCompleted(_taken, 10));

        Assert.Equal([records[2], records[0], records[3], records[1]], _taken);
        Assert.Equal(4, journal.CompletedCount);
        Assert.Equal(0, journal.TakeCompleted(_taken, 10));
    }

    [Fact]
    public void A_freed_record_is_the_next_one_claimed_and_is_clear()
    {
        SpendJournal journal = _directory.Open();
        string cleared = RecordSamples.Describe(new SpendRecord());
        Claim(journal);
        SpendRecord record = Claim(journal);
        RecordSamples.Fill(record, seed: 4);
        Book(journal, record);

        Assert.True(journal.TryClaim(out SpendRecord? again));
        Assert.Same(record, again);
        Assert.Equal(cleared, RecordSamples.Describe(again));
    }

    [Fact]
    public void It_grows_up_to_its_maximum_and_no_further()
    {
        SpendJournal journal = _directory.Open(slotsPerSegment: 8, maxSlots: 20);
        HashSet<SpendRecord> records = [];
        Assert.Equal(8, journal.Capacity);
        for (int i = 0; i < 20; i++)
        {
            Assert.False(journal.IsFull);
            Assert.True(records.Add(Claim(journal)));
            Assert.Equal(i + 1, journal.InUse);
        }

        Assert.Equal(20, journal.Capacity);
        Assert.True(journal.IsFull);
        Assert.False(journal.TryClaim(out _));
        Assert.Equal(["00001.seg", "00002.seg", "00003.seg", "lock"], _directory.Files());

        foreach (SpendRecord record in records)
        {
            Book(journal, record);
            break;
        }

        Assert.False(journal.IsFull);
        Claim(journal);
        Assert.False(journal.TryClaim(out _));
    }

    [Fact]
    public void A_record_is_completed_and_freed_once_and_by_its_own_journal()
    {
        using JournalDirectory other = new();
        SpendJournal journal = _directory.Open();
        SpendRecord record = Claim(journal);
        Assert.Throws<InvalidOperationException>(() => journal.Free(record));
        Assert.Throws<InvalidOperationException>(() => other.Open().Complete(record));
        Assert.Throws<InvalidOperationException>(() => journal.Complete(new SpendRecord()));

        journal.Complete(record);
        Assert.Throws<InvalidOperationException>(() => journal.Complete(record));
        Assert.Throws<InvalidOperationException>(() => journal.Free(record));

        journal.TakeCompleted(_taken, 1);
        journal.Free(record);
        Assert.Throws<InvalidOperationException>(() => journal.Free(record));
        Assert.Equal(0, journal.InUse);
    }

    [Fact]
    public void A_second_opener_is_refused_until_the_first_closes()
    {
        SpendJournal first = _directory.Open();
        JournalException fault = Assert.Throws<JournalException>(() => _directory.Open());
        Assert.Contains(_directory.Path, fault.Message, StringComparison.Ordinal);
        Assert.Contains("used by another process", fault.Message, StringComparison.Ordinal);

        first.Dispose();
        _directory.Open();
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_told()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_directory.Path)!);
        File.WriteAllText(_directory.Path, "a file");
        Assert.Contains(_directory.Path, Assert.Throws<JournalException>(() => _directory.Open()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 8)]
    [InlineData(8, 0)]
    [InlineData(8, 65536)]
    [InlineData(65536, 8)]
    public void Sizes_out_of_range_are_refused(int slotsPerSegment, int maxSlots) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _directory.Open(slotsPerSegment, maxSlots));

    [Fact]
    public void Only_the_owner_can_read_it()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        _directory.Open();
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(_directory.Path));
        foreach (string file in Directory.GetFiles(_directory.Path))
        {
            Assert.Equal(Private, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public void After_closing_nothing_is_written_or_claimed()
    {
        SpendJournal journal = _directory.Open();
        SpendRecord record = Claim(journal);
        RecordSamples.FillSimple(record, 1);
        record.Checkpoint();
        journal.Dispose();
        byte[] before = File.ReadAllBytes(_directory.FirstSegment);

        record.Status = 500;
        record.DeliveredOutputBytes = 1000;
        record.Checkpoint();
        journal.Complete(record);
        journal.TakeCompleted(_taken, 1);
        journal.Free(record);

        Assert.False(journal.TryClaim(out _));
        Assert.Equal(before, File.ReadAllBytes(_directory.FirstSegment));
    }

    [Fact]
    public void A_record_without_a_journal_has_no_checkpoints()
    {
        SpendRecord record = new() { DeliveredOutputBytes = 5 };
        record.Checkpoint();
        Assert.Equal(5, record.DeliveredOutputBytes);
    }

    [Fact]
    public void The_life_of_a_record_allocates_nothing()
    {
        SpendJournal journal = _directory.Open();
        SpendRecord sample = new();
        RecordSamples.Fill(sample, seed: 9);
        for (int i = 0; i < 50; i++)
        {
            Live(journal, sample);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Live(journal, sample);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void Live(SpendJournal journal, SpendRecord sample)
    {
        SpendRecord record = Claim(journal);
        record.Id = sample.Id;
        record.Caller = sample.Caller;
        record.Route = sample.Route;
        for (int i = 0; i < 4; i++)
        {
            record.ModelServed.Set(sample.ModelServed.Bytes);
            record.Usage = sample.Usage;
            record.AddIteration().Usage = sample.Usage;
            record.Checkpoint();
            record.DeliveredOutputBytes = i;
        }

        Book(journal, record);
    }

    private void Book(SpendJournal journal, SpendRecord record)
    {
        journal.Complete(record);
        _taken.Clear();
        journal.TakeCompleted(_taken, 1);
        journal.Free(_taken[0]);
    }

    private static SpendRecord Claim(SpendJournal journal)
    {
        Assert.True(journal.TryClaim(out SpendRecord? record));
        return record;
    }
}
