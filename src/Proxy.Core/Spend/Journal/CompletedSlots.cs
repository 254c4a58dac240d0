namespace Proxy.Core.Spend.Journal;

/// <summary>
/// Completed slots on their way to the one writer. Any thread adds, lock-free: one word holds how many were ever added (48 bits) and the
/// last one's number + 1 (16), and is swapped at once. The writer takes the whole chain at a time and turns it round.
/// </summary>
internal sealed class CompletedSlots(JournalSlot?[] slots)
{
    private const long One = 1L << 16;

    private long _head;

    // The writer's own: the oldest one taken but not handed out, number + 1, and by Below the next older to newer.
    private int _oldest;

    /// <summary>Ever added.</summary>
    public long Count => Volatile.Read(ref _head) >> 16;

    /// <summary>The swap publishes all that was written to the slot. Partner of <see cref="TryTake"/>.</summary>
    public void Add(JournalSlot slot)
    {
        while (true)
        {
            long head = Volatile.Read(ref _head);
            slot.Below = (ushort)head;
            long next = ((head & ~ushort.MaxValue) + One) | (uint)(slot.Number + 1);
            if (Interlocked.CompareExchange(ref _head, next, head) == head)
            {
                return;
            }
        }
    }

    /// <summary>The oldest one. The writer's thread only.</summary>
    public bool TryTake(out JournalSlot slot)
    {
        if (_oldest == 0)
        {
            TakeChain();
        }

        if (_oldest == 0)
        {
            slot = null!;
            return false;
        }

        slot = slots[_oldest - 1]!;
        _oldest = slot.Below;
        return true;
    }

    private void TakeChain()
    {
        long head;
        do
        {
            head = Volatile.Read(ref _head);
            if ((ushort)head == 0)
            {
                return;
            }
        }
        while (Interlocked.CompareExchange(ref _head, head & ~ushort.MaxValue, head) != head);

        int newer = 0;
        for (int number = (ushort)head; number != 0;)
        {
            JournalSlot slot = slots[number - 1]!;
            (number, slot.Below, newer) = (slot.Below, newer, number);
        }

        _oldest = newer;
    }
}
