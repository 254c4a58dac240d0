namespace Proxy.Core.Spend.Journal;

/// <summary>
/// The free slots, last in first out, so that a quiet gateway works with few and warm ones. Lock-free: one word holds a tag (32 bits), how
/// many there are (16) and the top one's number + 1 (16), and is swapped at once. The tag changes at every swap: a top that was taken and
/// put back meanwhile, with another slot below it, is noticed.
/// </summary>
internal sealed class FreeSlots(JournalSlot?[] slots)
{
    private const long Tag = 1L << 32;
    private const long One = 1L << 16;

    private long _head;

    public int Count => (ushort)(Volatile.Read(ref _head) >> 16);

    public bool TryPop(out JournalSlot slot)
    {
        while (true)
        {
            long head = Volatile.Read(ref _head);
            int top = (ushort)head;
            if (top == 0)
            {
                slot = null!;
                return false;
            }

            // Another thread may own it by now, and Below mean something else: then the swap fails.
            slot = slots[top - 1]!;
            long next = ((head & ~ushort.MaxValue) + Tag - One) | (uint)slot.Below;
            if (Interlocked.CompareExchange(ref _head, next, head) == head)
            {
                return true;
            }
        }
    }

    /// <summary>The slot is free from here on; the swap publishes all that was written to it. Partner of <see cref="TryPop"/>.</summary>
    public void Push(JournalSlot slot)
    {
        while (true)
        {
            long head = Volatile.Read(ref _head);
            slot.Below = (ushort)head;
            long next = ((head & ~ushort.MaxValue) + Tag + One) | (uint)(slot.Number + 1);
            if (Interlocked.CompareExchange(ref _head, next, head) == head)
            {
                return;
            }
        }
    }
}
