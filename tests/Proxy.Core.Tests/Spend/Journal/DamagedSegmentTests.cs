using System.Buffers.Binary;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

public sealed class DamagedSegmentTests : IDisposable
{
    private const int FirstSlot = SegmentLayout.HeaderLength;
    private readonly JournalDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("empty", "not a journal segment")]
    [InlineData("foreign", "not a journal segment")]
    [InlineData("header cut", "not a journal segment")]
    [InlineData("short", "bytes instead of")]
    [InlineData("long", "bytes instead of")]
    [InlineData("version", "version is ")]
    [InlineData("slot size", "header is damaged")]
    [InlineData("header bit", "header is damaged")]
    [InlineData("number", "segment 7 under another name")]
    public void A_segment_that_cannot_be_used_is_set_aside_and_never_deleted(string damage, string reason)
    {
        MakeSegment();
        byte[] bytes = Damaged(damage, File.ReadAllBytes(_directory.FirstSegment));
        File.WriteAllBytes(_directory.FirstSegment, bytes);

        SpendJournal journal = _directory.Open();

        Assert.Empty(journal.Recovered);
        Assert.True(journal.TryClaim(out _));
        Assert.Equal(["00001.seg.aside-1800000000000", "00002.seg", "lock"], _directory.Files());
        Assert.Equal(bytes, File.ReadAllBytes(_directory.FirstSegment + ".aside-1800000000000"));
        string line = Assert.Single(_directory.Log.Lines);
        Assert.StartsWith("Error", line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
        journal.Dispose();

        // And once only: the next start has nothing to say.
        _directory.Open();
        Assert.Single(_directory.Log.Lines);
    }

    [Theory]
    [InlineData("1.seg")]
    [InlineData("000001.seg")]
    [InlineData("copy of 00001.seg")]
    public void A_copy_of_a_segment_is_not_booked_twice(string name)
    {
        MakeSegment();
        File.Copy(_directory.FirstSegment, Path.Join(_directory.Path, name));

        SpendJournal journal = _directory.Open();

        Assert.Equal(8, journal.Recovered.Count);
        Assert.Contains(name + ".aside-1800000000000", _directory.Files());
    }

    [Fact]
    public void Two_of_one_name_can_be_set_aside_at_one_time()
    {
        _directory.Open().Dispose();
        File.WriteAllText(_directory.FirstSegment, "x");
        File.WriteAllText(_directory.FirstSegment + ".aside-1800000000000", "y");
        _directory.Open();
        Assert.Equal(["00001.seg.aside-1800000000000", "00001.seg.aside-1800000000001", "00002.seg", "lock"], _directory.Files());
    }

    [Fact]
    public void A_damaged_slot_costs_that_slot_only()
    {
        MakeSegment();
        byte[] bytes = File.ReadAllBytes(_directory.FirstSegment);
        bytes.AsSpan(FirstSlot, SegmentLayout.DefaultSlotSize).Fill(0x55);
        bytes.AsSpan(FirstSlot + (2 * SegmentLayout.DefaultSlotSize), SegmentLayout.DefaultSlotSize).Clear();
        File.WriteAllBytes(_directory.FirstSegment, bytes);

        SpendJournal journal = _directory.Open();

        Assert.Equal(6, journal.Recovered.Count);
        Assert.Equal(6, journal.InUse);
        Assert.Contains("2 slots", _directory.Log.Lines[0], StringComparison.Ordinal);
        journal.Dispose();

        // The slots are good again.
        int lines = _directory.Log.Lines.Count;
        Assert.Equal(6, _directory.Open().Recovered.Count);
        Assert.DoesNotContain(_directory.Log.Lines.Skip(lines), line => line.Contains("damaged", StringComparison.Ordinal));
    }

    [Fact]
    public void Any_flipped_bit_of_a_segment_costs_one_record_at_most()
    {
        SpendJournal journal = _directory.Open(slotsPerSegment: 1, maxSlots: 1);
        Assert.True(journal.TryClaim(out SpendRecord? record));
        RecordSamples.FillSimple(record, 1, version: 1);
        record.Checkpoint();
        RecordSamples.FillSimple(record, 1, version: 2);
        journal.Complete(record);
        byte[] bytes = File.ReadAllBytes(_directory.FirstSegment);
        Random random = new(5);
        for (int i = 0; i < 300; i++)
        {
            using JournalDirectory copy = _directory.Kill();
            byte[] flipped = [.. bytes];
            flipped[random.Next(i % 2 == 0 ? 40 : flipped.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(copy.FirstSegment, flipped);
            foreach (SpendRecord recovered in copy.Open(1, 1).Recovered)
            {
                Assert.Contains(recovered.Usage.InputTokens, new long[] { 1, 2 });
                Assert.Equal(recovered.Usage.InputTokens == 1, recovered.EndReason == EndReason.Interrupted);
            }
        }
    }

    [Fact]
    public void A_segment_whose_making_was_killed_is_made_again()
    {
        _directory.Open().Dispose();
        File.WriteAllText(Path.Join(_directory.Path, "00002.seg.new"), "half");
        _directory.Open();
        Assert.Equal(["00001.seg", "lock"], _directory.Files());
        Assert.Empty(_directory.Log.Lines);
    }

    [Fact]
    public void Segments_of_a_larger_configuration_are_kept_until_they_are_empty()
    {
        MakeSegment(slots: 8);
        SpendJournal smaller = _directory.Open(slotsPerSegment: 4, maxSlots: 4);
        Assert.Equal(8, smaller.Recovered.Count);
        Assert.Equal(4, smaller.Capacity);
        Assert.Equal(8, smaller.InUse);
        for (int i = 0; i < 4; i++)
        {
            Assert.True(smaller.TryClaim(out _));
        }

        Assert.False(smaller.TryClaim(out _));
        smaller.Free(smaller.Recovered[3]);
        smaller.Dispose();

        SpendJournal again = _directory.Open(slotsPerSegment: 4, maxSlots: 4);
        Assert.Equal(7, again.Recovered.Count);
        foreach (SpendRecord record in again.Recovered)
        {
            again.Free(record);
        }

        Assert.Equal(0, again.InUse);
        again.Dispose();
        Assert.Empty(_directory.Open(slotsPerSegment: 4, maxSlots: 4).Recovered);
        Assert.Equal(["00002.seg", "lock"], _directory.Files());
    }

    [Fact]
    public void Segments_of_a_smaller_configuration_stay_in_use()
    {
        MakeSegment(slots: 4);
        SpendJournal larger = _directory.Open(slotsPerSegment: 16, maxSlots: 64);
        Assert.Equal(4, larger.Recovered.Count);
        Assert.Equal(4, larger.Capacity);
        Assert.True(larger.TryClaim(out _));
        Assert.Equal(20, larger.Capacity);
    }

    [Fact]
    public void Slots_of_another_size_are_recovered()
    {
        MakeSegment(slots: 2);
        byte[] bytes = File.ReadAllBytes(_directory.FirstSegment);
        SegmentLayout old = new(1024, 2);
        byte[] other = new byte[old.FileLength];
        SegmentHeader.Write(other, 1, old);
        SpendRecord record = new();
        for (int slot = 0; slot < 2; slot++)
        {
            RecordSamples.FillSimple(record, slot + 1);
            SlotImage.Write(other.AsSpan((int)old.ImageOffset(slot, 1), old.ImageLength), ImageKind.Finished, sequence: 3, record);
        }

        File.WriteAllBytes(_directory.FirstSegment, other);

        SpendJournal journal = _directory.Open();
        Assert.Equal([RecordSamples.Id(1), RecordSamples.Id(2)], journal.Recovered.Select(recovered => recovered.Id));
        journal.Free(journal.Recovered[0]);
        journal.Free(journal.Recovered[1]);
        journal.Dispose();
        Assert.Empty(_directory.Open().Recovered);
    }

    private void MakeSegment(int slots = 8)
    {
        using SpendJournal journal = _directory.Open(slots, slots);
        for (int i = 1; i <= slots; i++)
        {
            Assert.True(journal.TryClaim(out SpendRecord? record));
            RecordSamples.FillSimple(record, i);
            journal.Complete(record);
        }
    }

    private static byte[] Damaged(string damage, byte[] bytes)
    {
        switch (damage)
        {
            case "empty":
                return [];
            case "foreign":
                bytes[0] ^= 1;
                return bytes;
            case "header cut":
                return bytes[..20];
            case "short":
                return bytes[..^1];
            case "long":
                return [.. bytes, 0];
            case "version":
                bytes[8] = 2;
                return bytes;
            case "slot size":
                SegmentHeader.Write(bytes, 1, new SegmentLayout(100, 8));
                return bytes;
            case "header bit":
                bytes[16] ^= 1;
                return bytes;
            default:
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), 7);
                SegmentHeader.Write(bytes, 7, new SegmentLayout(SegmentLayout.DefaultSlotSize, 8));
                return bytes;
        }
    }
}
