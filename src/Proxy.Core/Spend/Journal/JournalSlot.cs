using System.Runtime.InteropServices;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// A slot of a segment file and, for life, the record it keeps. Owned by whoever <see cref="State"/> says; ownership passes through the
/// journal's two stacks, and so all that is written here is seen by the next owner.
/// </summary>
internal sealed class JournalSlot(SpendJournal journal, JournalSegment segment, int index) : RecordSlot
{
    private const int ProgressBits = 48;
    private const long MaxProgress = (1L << ProgressBits) - 1;

    private SpendRecord? _record;
    private ulong _sequence;

    public SpendJournal Journal { get; } = journal;

    /// <summary>Its place in the journal's table, or -1 when the segment only waits to be empty.</summary>
    public int Number { get; init; } = -1;

    public SlotState State { get; set; }

    /// <summary>
    /// Number + 1 of the slot below it on the stack it is on; 0 at the bottom. Read by others than the owner, who then check that nothing
    /// changed.
    /// </summary>
    public int Below { get; set; }

    public SpendRecord Record => _record ??= new SpendRecord { Slot = this };

    /// <summary>Only an exchange's record changes, so any other is left as it is.</summary>
    public override void Checkpoint()
    {
        if (State == SlotState.Claimed)
        {
            Write(ImageKind.Open);
            StoreProgress(Record.DeliveredOutputBytes);
        }
    }

    /// <summary>The word names the image it adds to, so that after a kill no other image is ever counted with it.</summary>
    public override void StoreProgress(long bytes)
    {
        if (State == SlotState.Claimed && !Journal.IsClosed)
        {
            segment.StoreProgress(index, (_sequence << ProgressBits) | (ulong)Math.Clamp(bytes, 0, MaxProgress));
        }
    }

    public void Finish() => Write(ImageKind.Finished);

    public void Clear()
    {
        _record?.Clear();
        Write(ImageKind.Freed);
    }

    /// <summary>Takes up what an earlier run left here; what is of no use is cleared.</summary>
    /// <param name="slot">The slot's bytes.</param>
    public SlotFinding Recover(ReadOnlySpan<byte> slot)
    {
        if (!SlotImage.TryReadLatest(slot, segment.Layout, out SlotImage image))
        {
            Clear();
            return SlotFinding.Damaged;
        }

        _sequence = image.Sequence;
        switch (image.Kind)
        {
            case ImageKind.Freed:
                return SlotFinding.Empty;

            case ImageKind.Open or ImageKind.Finished when RecordImage.TryRead(image.Payload, Record):
                break;

            default:
                Clear();
                return SlotFinding.Damaged;
        }

        if (Record.Id == default)
        {
            Clear();
            return SlotFinding.Empty;
        }

        State = SlotState.Recovered;
        if (image.Kind == ImageKind.Finished)
        {
            return SlotFinding.Finished;
        }

        ulong progress = MemoryMarshal.Read<ulong>(slot);
        bool belongs = progress >> ProgressBits == (image.Sequence & ushort.MaxValue);
        Interrupt(Record, belongs ? (long)progress & MaxProgress : Record.DeliveredOutputBytes);
        return SlotFinding.Interrupted;
    }

    /// <summary>The exchange never came to its end: what was seen is booked, as if the stream had been cut there.</summary>
    private static void Interrupt(SpendRecord record, long deliveredOutputBytes)
    {
        record.DeliveredOutputBytes = deliveredOutputBytes;
        record.EndReason = EndReason.Interrupted;
        record.Flags |= SpendFlags.Incomplete;
        OutputEstimate.Apply(record, deliveredOutputBytes);
    }

    private void Write(ImageKind kind)
    {
        if (Journal.IsClosed)
        {
            return;
        }

        ulong sequence = _sequence + 1;
        SlotImage.Write(segment.Image(index, sequence), kind, sequence, kind == ImageKind.Freed ? null : Record);
        _sequence = sequence;
        GC.KeepAlive(segment);
    }
}

/// <summary>Who owns a slot and its record; changed by the owner only.</summary>
internal enum SlotState : byte
{
    /// <summary>On the free stack.</summary>
    Free = 0,

    /// <summary>An exchange's.</summary>
    Claimed,

    /// <summary>On its way to the writer.</summary>
    Completed,

    /// <summary>The writer's, until the ledger has it.</summary>
    Taken,

    /// <summary>An earlier run's, until the ledger has it.</summary>
    Recovered,
}

/// <summary>What an image says of its slot. Never 0, so that zeroed bytes are no image. Part of the file format.</summary>
internal enum ImageKind : byte
{
    /// <summary>The record is in the ledger, or there never was one.</summary>
    Freed = 1,

    /// <summary>An exchange under way, as last seen.</summary>
    Open = 2,

    /// <summary>A record as its exchange completed it.</summary>
    Finished = 3,
}
