using System.Buffers.Binary;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

public sealed class SlotImageTests
{
    private static readonly SegmentLayout Layout = new(SegmentLayout.DefaultSlotSize, 1);
    private readonly byte[] _slot = new byte[SegmentLayout.DefaultSlotSize];
    private readonly SpendRecord _old = new();
    private readonly SpendRecord _new = new();

    public SlotImageTests()
    {
        RecordSamples.Fill(_old, seed: 1);
        RecordSamples.Fill(_new, seed: 2);
    }

    [Fact]
    public void A_flipped_bit_never_makes_another_record()
    {
        Write(sequence: 8, _old);
        Write(sequence: 9, _new);
        int length = Length(sequence: 9);
        for (int at = 0; at < length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                Image(9)[at] ^= (byte)(1 << bit);
                Assert.Equal(RecordSamples.Describe(_old), Latest());
                Image(9)[at] ^= (byte)(1 << bit);
            }
        }

        Assert.Equal(RecordSamples.Describe(_new), Latest());
    }

    [Fact]
    public void A_shortened_image_is_none()
    {
        Write(sequence: 8, _old);
        int length = Length(sequence: 8);
        for (int at = 0; at < length; at++)
        {
            Assert.False(SlotImage.TryRead(Image(8)[..at], parity: 0, out _));
        }

        Assert.True(SlotImage.TryRead(Image(8)[..length], parity: 0, out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_write_that_stops_anywhere_leaves_the_old_record_or_the_new_one(bool backwards)
    {
        SpendRecord older = new();
        RecordSamples.Fill(older, seed: 3);
        Write(sequence: 7, older);
        Write(sequence: 8, _old);
        byte[] before = [.. _slot];
        Write(sequence: 9, _new);
        byte[] after = [.. _slot];

        // Any prefix of the bytes, from either end: the order in which the processor stores them is its own affair.
        for (int cut = 0; cut <= _slot.Length; cut++)
        {
            (backwards ? after : before).CopyTo(_slot, 0);
            (backwards ? before : after).AsSpan(0, cut).CopyTo(_slot);
            string expected = _slot.AsSpan().SequenceEqual(after) ? RecordSamples.Describe(_new) : RecordSamples.Describe(_old);
            Assert.Equal(expected, Latest());
        }
    }

    [Fact]
    public void An_image_in_the_other_image_s_place_does_not_count()
    {
        Write(sequence: 8, _old);
        Image(8).CopyTo(Image(9));
        Image(8).Clear();
        Assert.False(SlotImage.TryReadLatest(_slot, Layout, out _));
    }

    [Fact]
    public void Zeros_are_no_image() => Assert.False(SlotImage.TryReadLatest(new byte[SegmentLayout.DefaultSlotSize], Layout, out _));

    private Span<byte> Image(ulong sequence) =>
        _slot.AsSpan((int)(Layout.ImageOffset(0, (int)(sequence % 2)) - SegmentLayout.HeaderLength), Layout.ImageLength);

    private int Length(ulong sequence) => SlotImage.HeaderLength + BinaryPrimitives.ReadUInt16LittleEndian(Image(sequence)[4..]);

    private void Write(ulong sequence, SpendRecord record) => SlotImage.Write(Image(sequence), ImageKind.Open, sequence, record);

    private string Latest()
    {
        Assert.True(SlotImage.TryReadLatest(_slot, Layout, out SlotImage image));
        SpendRecord record = new();
        Assert.True(RecordImage.TryRead(image.Payload, record));
        return RecordSamples.Describe(record);
    }
}
