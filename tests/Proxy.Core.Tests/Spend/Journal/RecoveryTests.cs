using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

public sealed class RecoveryTests : IDisposable
{
    private readonly JournalDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_finished_record_comes_back_as_it_was_completed()
    {
        SpendJournal journal = _directory.Open();
        List<string> expected = [];
        for (int i = 1; i <= 20; i++)
        {
            SpendRecord record = Claim(journal);
            RecordSamples.Fill(record, i);
            record.Checkpoint();
            record.Status++;
            expected.Add(RecordSamples.Describe(record));
            journal.Complete(record);
        }

        using JournalDirectory copy = _directory.Kill();
        SpendJournal next = copy.Open();

        Assert.Equal(expected, Describe(next));
        Assert.Equal(20, next.InUse);
        Assert.Equal(0, next.CompletedCount);
    }

    [Fact]
    public void An_unfinished_record_comes_back_interrupted_with_what_was_seen()
    {
        SpendRecord record = Claim(_directory.Open());
        RecordSamples.FillSimple(record, 1, version: 10);
        record.Flags = SpendFlags.SplitInferred;
        record.DurationUs = 77;
        record.Checkpoint();
        string seen = RecordSamples.Describe(record);
        record.Usage.InputTokens = 99;

        using JournalDirectory copy = _directory.Kill();
        SpendRecord recovered = Assert.Single(copy.Open().Recovered);

        Assert.Equal(EndReason.Interrupted, recovered.EndReason);
        Assert.Equal(SpendFlags.SplitInferred | SpendFlags.Incomplete, recovered.Flags);
        recovered.EndReason = EndReason.Complete;
        recovered.Flags = SpendFlags.SplitInferred;
        Assert.Equal(seen, RecordSamples.Describe(recovered));
    }

    [Fact]
    public void Output_that_no_report_covered_is_estimated()
    {
        SpendRecord record = Claim(_directory.Open());
        RecordSamples.FillSimple(record, 1);
        record.Usage.OutputTokens = 1;
        record.Checkpoint();
        record.DeliveredOutputBytes = 30;
        record.DeliveredOutputBytes = 4003;

        using JournalDirectory copy = _directory.Kill();
        SpendRecord recovered = Assert.Single(copy.Open().Recovered);

        Assert.Equal(1000, recovered.Usage.OutputTokens);
        Assert.True((recovered.Flags & SpendFlags.Estimated) != 0);
    }

    [Fact]
    public void Output_that_a_report_covers_is_not_estimated()
    {
        SpendRecord record = Claim(_directory.Open());
        RecordSamples.FillSimple(record, 1);
        record.Checkpoint();
        record.DeliveredOutputBytes = 4000;
        record.Usage.OutputTokens = 900;
        record.DeliveredOutputBytes = 0;
        record.Checkpoint();

        using JournalDirectory copy = _directory.Kill();
        SpendRecord recovered = Assert.Single(copy.Open().Recovered);

        Assert.Equal(900, recovered.Usage.OutputTokens);
        Assert.Equal(SpendFlags.Incomplete, recovered.Flags);
    }

    [Fact]
    public void Progress_belongs_to_its_own_record_and_its_own_image()
    {
        SpendJournal journal = _directory.Open();
        SpendRecord first = Claim(journal);
        RecordSamples.FillSimple(first, 1);
        first.Checkpoint();
        first.DeliveredOutputBytes = 4000;
        Book(journal, first);

        SpendRecord second = Claim(journal);
        Assert.Same(first, second);
        RecordSamples.FillSimple(second, 2);
        second.Checkpoint();
        byte[] segment = File.ReadAllBytes(_directory.FirstSegment);

        // Killed before the checkpoint renewed the progress: the word is still the one of the first record.
        BitConverter.TryWriteBytes(segment.AsSpan(SegmentLayout.HeaderLength), (1UL << 48) | 4000);
        using JournalDirectory copy = _directory.Kill();
        File.WriteAllBytes(copy.FirstSegment, segment);

        Assert.Equal(SpendFlags.Incomplete, Assert.Single(copy.Open().Recovered).Flags);
    }

    [Fact]
    public void A_record_without_a_checkpoint_leaves_nothing()
    {
        SpendJournal journal = _directory.Open();
        Claim(journal).Status = 200;
        SpendRecord nameless = Claim(journal);
        nameless.Checkpoint();

        using JournalDirectory copy = _directory.Kill();
        SpendJournal next = copy.Open();

        Assert.Empty(next.Recovered);
        Assert.Equal(0, next.InUse);
        Assert.Empty(copy.Log.Lines);
    }

    [Fact]
    public void Freed_records_do_not_come_back_and_recovered_ones_do_until_freed()
    {
        SpendJournal journal = _directory.Open();
        Book(journal, Filled(journal, 1));
        SpendRecord finished = Filled(journal, 2);
        SpendRecord unfinished = Filled(journal, 3);
        journal.Complete(finished);
        unfinished.Checkpoint();
        journal.Dispose();

        SpendJournal second = _directory.Open();
        Assert.Equal([RecordSamples.Id(2), RecordSamples.Id(3)], Ids(second));
        Assert.Contains(_directory.Log.Lines, line => line.Contains("1 finished and 1 interrupted", StringComparison.Ordinal));
        string before = string.Concat(Describe(second));
        second.Dispose();

        SpendJournal third = _directory.Open();
        Assert.Equal(before, string.Concat(Describe(third)));
        third.Free(third.Recovered[0]);
        third.Dispose();

        SpendJournal fourth = _directory.Open();
        Assert.Equal([RecordSamples.Id(3)], Ids(fourth));
        fourth.Free(fourth.Recovered[0]);
        Assert.Equal(0, fourth.InUse);
        fourth.Dispose();
        Assert.Empty(_directory.Open().Recovered);
    }

    [Fact]
    public void A_recovered_record_keeps_its_slot_and_a_change_to_it_is_not_written()
    {
        SpendJournal journal = _directory.Open(slotsPerSegment: 1, maxSlots: 1);
        journal.Complete(Filled(journal, 1));
        journal.Dispose();

        SpendJournal next = _directory.Open(slotsPerSegment: 1, maxSlots: 1);
        Assert.False(next.TryClaim(out _));
        Assert.True(next.IsFull);
        SpendRecord recovered = next.Recovered[0];
        recovered.CostNanoUsd = 5;
        recovered.Checkpoint();
        recovered.DeliveredOutputBytes = 50;
        using JournalDirectory copy = _directory.Kill();
        Assert.Equal(0, copy.Open(1, 1).Recovered[0].CostNanoUsd);

        next.Free(recovered);
        Assert.True(next.TryClaim(out _));
    }

    [Fact]
    public void Recovered_records_are_in_the_order_of_their_ids()
    {
        SpendJournal journal = _directory.Open();
        int[] order = [5, 1, 4, 2, 3, 12, 11, 9];
        foreach (int number in order)
        {
            journal.Complete(Filled(journal, number));
        }

        using JournalDirectory copy = _directory.Kill();
        Array.Sort(order);
        Assert.Equal(Array.ConvertAll(order, RecordSamples.Id), Ids(copy.Open()));
    }

    [Fact]
    public void A_kill_while_a_record_changes_leaves_a_state_it_really_had()
    {
        const int Rounds = 200;
        SpendRecord record = Claim(_directory.Open(slotsPerSegment: 1, maxSlots: 1));
        RecordSamples.FillSimple(record, 1);
        record.Checkpoint();

        // One write and one copy a round, at once: a copy is not of a moment, so two writes within it would show what no kill can.
        using Barrier barrier = new(2);
        Thread writer = new(() =>
        {
            Random random = new(1);
            for (int round = 1; round <= Rounds; round++)
            {
                RecordSamples.FillSimple(record, 1, round);
                barrier.SignalAndWait();
                Thread.SpinWait(random.Next(10_000));
                record.Checkpoint();
                barrier.SignalAndWait();
            }
        });
        writer.Start();
        List<string> wrong = [];
        for (int round = 1; round <= Rounds; round++)
        {
            barrier.SignalAndWait();
            using JournalDirectory copy = _directory.Kill();
            barrier.SignalAndWait();
            IReadOnlyList<SpendRecord> recovered = copy.Open().Recovered;
            if (recovered.Count != 1 || !IsVersion(recovered[0], round) && !IsVersion(recovered[0], round - 1))
            {
                wrong.Add($"round {round}: {string.Concat(recovered.Select(RecordSamples.Describe))}");
            }
        }

        writer.Join();
        Assert.Empty(wrong);
    }

    private static bool IsVersion(SpendRecord recovered, int version)
    {
        SpendRecord expected = new() { EndReason = EndReason.Interrupted, Flags = SpendFlags.Incomplete };
        RecordSamples.FillSimple(expected, 1, version);
        return RecordSamples.Describe(expected) == RecordSamples.Describe(recovered);
    }

    private static SpendRecord Filled(SpendJournal journal, int number)
    {
        SpendRecord record = Claim(journal);
        RecordSamples.FillSimple(record, number);
        return record;
    }

    private static void Book(SpendJournal journal, SpendRecord record)
    {
        List<SpendRecord> taken = [];
        journal.Complete(record);
        journal.TakeCompleted(taken, 1);
        journal.Free(Assert.Single(taken));
    }

    private static SpendRecord Claim(SpendJournal journal)
    {
        Assert.True(journal.TryClaim(out SpendRecord? record));
        return record;
    }

    private static List<Guid> Ids(SpendJournal journal) => [.. journal.Recovered.Select(record => record.Id)];

    private static List<string> Describe(SpendJournal journal) => [.. journal.Recovered.Select(RecordSamples.Describe)];
}
