using System.Collections.Concurrent;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

public sealed class JournalTortureTests : IDisposable
{
    private readonly JournalDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(2, 3)]
    [InlineData(8, 64)]
    public void Of_many_threads_records_none_is_lost_and_none_doubled(int slotsPerSegment, int maxSlots)
    {
        const int Threads = 4;
        const int Each = 5000;
        SpendJournal journal = _directory.Open(slotsPerSegment, maxSlots);
        ConcurrentQueue<string> faults = new();
        int[] completedBy = new int[Threads];
        Thread[] clients = new Thread[Threads];
        for (int t = 0; t < Threads; t++)
        {
            int client = t;
            clients[t] = new Thread(() => Guarded(faults, () => Serve(journal, client, Each)));
            clients[t].Start();
        }

        int[] lastOf = new int[Threads];
        HashSet<Guid> seen = [];
        Guarded(faults, () =>
        {
            List<SpendRecord> taken = [];
            while (seen.Count < Threads * Each && faults.IsEmpty)
            {
                taken.Clear();
                journal.TakeCompleted(taken, 5);
                foreach (SpendRecord record in taken)
                {
                    int number = (int)record.Usage.InputTokens;
                    int client = number / Each;
                    Require(seen.Add(record.Id) && record.Id == RecordSamples.Id(number), "doubled or mixed");
                    Require(record.Status == client && record.ResponseBodyBytes == number * 7L, "mixed");
                    Require(number % Each == lastOf[client]++, "out of order");
                    journal.Free(record);
                }
            }
        });
        foreach (Thread client in clients)
        {
            client.Join();
        }

        Assert.Empty(faults);
        Assert.Equal(Threads * Each, journal.CompletedCount);
        Assert.Equal(0, journal.InUse);
        Assert.InRange(journal.Capacity, 1, maxSlots);
        journal.Dispose();
        Assert.Empty(_directory.Open(slotsPerSegment, maxSlots).Recovered);
    }

    private static void Serve(SpendJournal journal, int client, int count)
    {
        for (int i = 0; i < count;)
        {
            if (!journal.TryClaim(out SpendRecord? record))
            {
                Thread.Yield();
                continue;
            }

            int number = (client * count) + i++;
            Require(record.Id == default && record.Status == 0, "not cleared");
            RecordSamples.FillSimple(record, number, number);
            record.Status = client;
            record.Checkpoint();
            record.DeliveredOutputBytes = number;
            record.Checkpoint();
            Require(record.Id == RecordSamples.Id(number) && record.Status == client, "owned by two");
            journal.Complete(record);
        }
    }

    private static void Require(bool condition, string fault)
    {
        if (!condition)
        {
            throw new InvalidOperationException(fault);
        }
    }

    private static void Guarded(ConcurrentQueue<string> faults, Action run)
    {
        try
        {
            run();
        }
        catch (Exception fault)
        {
            faults.Enqueue(fault.ToString());
        }
    }
}
