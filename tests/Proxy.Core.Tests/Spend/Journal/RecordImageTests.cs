using System.Text;
using CsCheck;
using Proxy.Core.Identity;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

public sealed class RecordImageTests
{
    private static readonly SegmentLayout Layout = new(SegmentLayout.DefaultSlotSize, 1);
    private static readonly int PayloadLength = Layout.ImageLength - SlotImage.HeaderLength;

    [Fact]
    public void Every_field_comes_back() =>
        Gen.Int.Sample(
            seed =>
            {
                SpendRecord written = new();
                RecordSamples.Fill(written, seed);
                Assert.Equal(RecordSamples.Describe(written), RecordSamples.Describe(Read(Write(written))));
            },
            iter: 2000);

    [Fact]
    public void The_longest_record_fits_and_long_texts_are_cut_between_characters()
    {
        SpendRecord record = Longest();
        byte[] payload = Write(record);
        Assert.InRange(payload.Length, 1700, PayloadLength);

        SpendRecord read = Read(payload);
        Assert.Equal(new string('€', KeyIdentity.MaxAlias / 3), read.Caller!.Alias);
        Assert.Equal(new string('€', KeyIdentity.MaxTeam / 3), read.Caller.TeamId);
        Assert.Equal(record.Tags.ToString(), read.Tags.ToString());
        Assert.Equal(long.MinValue, read.ResponseBodyBytes);
    }

    [Fact]
    public void Iterations_that_do_not_fit_are_added_to_the_last_one_that_does()
    {
        SpendRecord record = new() { Flags = SpendFlags.Estimated };
        AddIterations(record, SpendRecord.MaxIterations, 1_000_000_007);

        SpendRecord read = Read(Write(record));

        Assert.InRange(read.IterationCount, 10, SpendRecord.MaxIterations - 1);
        Assert.Equal(SpendFlags.Estimated | SpendFlags.IterationsFolded, read.Flags);
        Assert.Equal(SpendFlags.Estimated, record.Flags);
        Assert.Equal(1_000_000_007, read.Iteration(read.IterationCount - 2).Usage.OutputTokens);
        long sum = 0;
        for (int i = 0; i < read.IterationCount; i++)
        {
            sum += read.Iteration(i).Usage.OutputTokens;
        }

        Assert.Equal(1_000_000_007L * SpendRecord.MaxIterations, sum);
    }

    [Fact]
    public void No_token_is_lost_wherever_the_room_for_iterations_ends()
    {
        // From room for all to room for some: the sum stays.
        for (int tags = 0; tags <= SpendRecord.TagsCapacity; tags++)
        {
            for (int count = 20; count < 40; count++)
            {
                SpendRecord record = new();
                record.Tags.Set(new byte[tags]);
                AddIterations(record, count, 1L << 40);
                byte[] payload = Write(record);
                SpendRecord read = Read(payload);
                bool folded = (read.Flags & SpendFlags.IterationsFolded) != 0;
                Assert.Equal(folded, read.IterationCount < count);
                long sum = 0;
                for (int i = 0; i < read.IterationCount; i++)
                {
                    sum += read.Iteration(i).Usage.InputTokens;
                }

                Assert.Equal(count * (1L << 40), sum);
            }
        }
    }

    [Fact]
    public void A_record_that_leaves_no_room_for_iterations_says_so()
    {
        SpendRecord record = Longest();
        AddIterations(record, 3, long.MaxValue);

        SpendRecord read = Read(Write(record));

        Assert.Equal(0, read.IterationCount);
        Assert.True((read.Flags & SpendFlags.IterationsFolded) != 0);
    }

    [Fact]
    public void Shortened_payloads_are_no_records()
    {
        SpendRecord record = new();
        RecordSamples.Fill(record, seed: 5);
        byte[] payload = Write(record);
        for (int length = 0; length < payload.Length; length++)
        {
            AssertNoRecord(payload.AsSpan(0, length));
        }

        AssertNoRecord([.. payload, 0]);
    }

    [Fact]
    public void Random_payloads_never_throw()
    {
        Random random = new(3);
        byte[] bytes = new byte[300];
        SpendRecord record = new();
        for (int i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            bytes.AsSpan(random.Next(bytes.Length)).Fill((byte)(i % 3 == 0 ? 0xff : 0));
            RecordImage.TryRead(bytes.AsSpan(0, random.Next(bytes.Length)), record);
            record.Clear();
        }
    }

    private static void AssertNoRecord(ReadOnlySpan<byte> payload)
    {
        SpendRecord record = new();
        string cleared = RecordSamples.Describe(record);
        Assert.False(RecordImage.TryRead(payload, record));
        Assert.Equal(cleared, RecordSamples.Describe(record));
    }

    private static byte[] Write(SpendRecord record)
    {
        byte[] payload = new byte[PayloadLength];
        int length = RecordImage.Write(payload, record);
        return payload[..length];
    }

    private static SpendRecord Read(byte[] payload)
    {
        SpendRecord record = new();
        Assert.True(RecordImage.TryRead(payload, record));
        return record;
    }

    private static void AddIterations(SpendRecord record, int count, long tokens)
    {
        for (int i = 0; i < count; i++)
        {
            IterationUsage iteration = record.AddIteration();
            iteration.Kind = IterationKind.AdvisorMessage;
            iteration.Model.Set("claude-opus-5-20260601"u8);
            iteration.Usage = new UsageCounters { InputTokens = tokens, OutputTokens = tokens };
        }
    }

    private static SpendRecord Longest()
    {
        const long Far = long.MinValue;
        SpendRecord record = new()
        {
            Id = Guid.Parse("ffffffff-ffff-ffff-ffff-ffffffffffff"),
            StartedAtUnixMs = Far,
            TimeToFirstByteUs = Far,
            DurationUs = Far,
            Status = int.MinValue,
            CostNanoUsd = Far,
            RequestBodyBytes = Far,
            ResponseBodyBytes = Far,
            DeliveredOutputBytes = Far,
            Route = new string('r', 1000),
            PriceVersion = new string('p', 1000),
            Caller = new KeyIdentity(new string('a', 64), new string('€', 1000), new string('€', 1000), new string('u', 1000)),
        };
        byte[] text = Encoding.ASCII.GetBytes(new string('t', 1000));
        TextField[] fields =
        [
            record.ModelAsked, record.ModelServed, record.UpstreamRequestId, record.MessageId, record.SessionId, record.AgentId,
            record.ParentAgentId, record.Tags, record.BatchId,
        ];
        foreach (TextField field in fields)
        {
            field.Set(text);
        }

        ref UsageCounters usage = ref record.Usage;
        usage.InputTokens = usage.CacheReadInputTokens = usage.CacheCreationInputTokens = usage.CacheCreation5mInputTokens = Far;
        usage.CacheCreation1hInputTokens = usage.OutputTokens = usage.ThinkingTokens = usage.WebSearchRequests = usage.WebFetchRequests = Far;
        return record;
    }
}
