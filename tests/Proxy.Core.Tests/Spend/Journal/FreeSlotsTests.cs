using System.Runtime.CompilerServices;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

public sealed class FreeSlotsTests
{
    private const int SlotCount = 5;
    private readonly JournalSlot[] _slots = new JournalSlot[SlotCount];
    private readonly int[] _owners = new int[SlotCount];
    private readonly FreeSlots _free;
    private int _faults;

    public FreeSlotsTests()
    {
        _free = new FreeSlots(_slots);
        for (int i = 0; i < SlotCount; i++)
        {
            _slots[i] = new JournalSlot(null!, null!, i) { Number = i };
            _free.Push(_slots[i]);
        }
    }

    [Fact]
    public void The_last_one_in_is_the_first_one_out()
    {
        for (int i = SlotCount - 1; i >= 0; i--)
        {
            Assert.Equal(i + 1, _free.Count);
            Assert.True(_free.TryPop(out JournalSlot slot));
            Assert.Same(_slots[i], slot);
        }

        Assert.False(_free.TryPop(out _));
        Assert.Equal(0, _free.Count);
    }

    [Fact]
    public void What_was_taken_and_put_back_does_not_look_as_if_nothing_had_happened()
    {
        // The torture below meets this too seldom to rely on it: a thread that sleeps between its look at the top and its swap.
        long before = Head(_free);
        Assert.True(_free.TryPop(out JournalSlot slot));
        _free.Push(slot);
        Assert.NotEqual(before, Head(_free));
    }

    [Fact]
    public void A_slot_that_was_taken_and_put_back_meanwhile_is_never_given_to_two()
    {
        // Put back in another order than taken, by several at once: what a stack without a tag does not survive.
        Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.Length; t++)
        {
            threads[t] = new Thread(TakeTwoAndTurn);
            threads[t].Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.Equal(0, _faults);
        Assert.Equal(SlotCount, _free.Count);
        AssertAllAreThere();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_head")]
    private static extern ref long Head(FreeSlots free);

    private void AssertAllAreThere()
    {
        for (int i = 0; i < SlotCount; i++)
        {
            Assert.True(TryTake(out _));
        }

        Assert.Equal(0, _faults);
    }

    private void TakeTwoAndTurn()
    {
        for (int i = 0; i < 100_000 && _faults == 0; i++)
        {
            bool hasFirst = TryTake(out JournalSlot first);
            bool hasSecond = TryTake(out JournalSlot second);
            if (hasFirst)
            {
                PutBack(first);
            }

            if (hasSecond)
            {
                PutBack(second);
            }
        }
    }

    private bool TryTake(out JournalSlot slot)
    {
        if (!_free.TryPop(out slot))
        {
            return false;
        }

        if (Interlocked.Exchange(ref _owners[slot.Number], 1) != 0)
        {
            Interlocked.Increment(ref _faults);
        }

        return true;
    }

    private void PutBack(JournalSlot slot)
    {
        Volatile.Write(ref _owners[slot.Number], 0);
        _free.Push(slot);
    }
}
