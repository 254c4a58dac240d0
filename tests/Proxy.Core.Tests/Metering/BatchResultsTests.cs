using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;
using Proxy.Core.Tests.Forwarding;

namespace Proxy.Core.Tests.Metering;

/// <summary>Results of a batch are booked line by line, each once however often they are fetched, at batch rates.</summary>
public sealed class BatchResultsTests
{
    private static readonly KeyIdentity Fetcher = new(new string('b', 64));

    private static readonly string Results = string.Join('\n',
        """{"custom_id":"a","result":{"type":"succeeded","message":{"id":"msg_1","type":"message","model":"claude-sonnet-5","content":[{"type":"text","text":"{\"usage\":{\"input_tokens\":9}}\n"}],"usage":{"input_tokens":100,"output_tokens":50,"service_tier":"batch"}}}}""",
        """{"custom_id":"b","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"x"}}}}""",
        """{"custom_id":"c","result":{"message":{"model":"claude-opus-5","usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":2}},"type":"succeeded"}}""",
        """{"custom_id":"d","result":{"type":"expired"}}""",
        "",
        """{"custom_id":"\u0065","result":{"type":"succeeded","message":{"model":"claude-haiku-4-5","usage":{"input_tokens":1,"output_tokens":1,"iterations":[{"type":"message","input_tokens":1,"output_tokens":1}]}}}}""");

    [Fact]
    public void Every_split_books_each_billed_line_with_its_own_model_and_usage()
    {
        byte[] body = Encoding.UTF8.GetBytes(Results);
        string whole = Describe(Fetch(body, -1));
        Assert.Equal(3, whole.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("claude-sonnet-5|msg_1|msgbatch_1|100|50|Batch", whole, StringComparison.Ordinal);
        Assert.Contains("claude-opus-5||msgbatch_1|7|2|Batch", whole, StringComparison.Ordinal);
        for (int cut = 0; cut <= body.Length; cut++)
        {
            Assert.Equal(whole, Describe(Fetch(body, cut)));
        }

        Assert.Equal(whole, Describe(Fetch([.. body, (byte)'\n'], -1)));
        Assert.Equal(whole, Describe(Fetch(Encoding.UTF8.GetBytes(Results.Replace("\n", "\r\n", StringComparison.Ordinal)), -1)));
    }

    [Fact]
    public void The_same_line_has_the_same_id_whenever_it_is_fetched()
    {
        byte[] body = Encoding.UTF8.GetBytes(Results);
        Assert.Equal(Fetch(body, -1).Done.Select(line => line.Id), Fetch(body, 10).Done.Select(line => line.Id));
        Assert.Equal(3, Fetch(body, -1).Done.Select(line => line.Id).Distinct().Count());
        Assert.Empty(Fetch(body, -1).Done.Select(line => line.Id).Intersect(Fetch(body, -1, "msgbatch_2").Done.Select(line => line.Id)));
        Assert.All(Fetch(body, -1).Done, line => Assert.Equal(8, line.Id.Version));
    }

    [Fact]
    public void A_line_costs_half_of_what_the_request_would_have()
    {
        SpendRecord line = Fetch(Encoding.UTF8.GetBytes(Results), -1).Done[0];
        PriceBook.BuiltIn.Price(line);
        SpendRecord alone = new() { PathClass = PathClass.Messages, Usage = line.Usage with { ServiceTier = ServiceTier.Standard } };
        alone.ModelServed.Set("claude-sonnet-5"u8);
        PriceBook.BuiltIn.Price(alone);
        Assert.Equal(alone.CostNanoUsd, line.CostNanoUsd * 2);
        Assert.NotEqual(0, line.CostNanoUsd);
    }

    [Fact]
    public void A_fetch_that_is_cut_books_the_lines_it_saw_and_says_that_it_is_incomplete()
    {
        TestSink sink = new();
        using ResponseMeter meter = new(sink);
        SpendRecord fetch = Begin(meter, "msgbatch_1");
        meter.Feed(Encoding.UTF8.GetBytes(Results).AsSpan()[..^20]);
        meter.End(complete: false);
        Assert.Equal(2, sink.Done.Count);
        Assert.True(fetch.Flags.HasFlag(SpendFlags.Incomplete));
        Assert.Equal(default, fetch.Usage);
        PriceBook.BuiltIn.Price(fetch);
        Assert.Equal(0, fetch.CostNanoUsd);
    }

    [Fact]
    public void Without_room_in_the_ledger_it_stops()
    {
        TestSink sink = new() { IsFull = true };
        using ResponseMeter meter = new(sink);
        _ = Begin(meter, "msgbatch_1");
        meter.Feed(Encoding.UTF8.GetBytes(Results));
        Assert.True(meter.IsLedgerFull);
        sink.IsFull = false;
        meter.Feed(Encoding.UTF8.GetBytes("\n" + Results));
        meter.End(complete: false);
        Assert.Empty(sink.Done);
    }

    [Fact]
    public void A_line_that_is_no_result_is_flagged_and_the_others_are_booked()
    {
        TestSink sink = new();
        using ResponseMeter meter = new(sink);
        SpendRecord fetch = Begin(meter, "msgbatch_1");
        meter.Feed(Encoding.UTF8.GetBytes("no json\n[]\n{}\n" + Results));
        meter.End(complete: true);
        Assert.Equal(3, sink.Done.Count);
        Assert.True(fetch.Flags.HasFlag(SpendFlags.Unreadable));
    }

    [Fact]
    public void The_id_of_a_new_batch_is_kept()
    {
        using ResponseMeter meter = new(new TestSink());
        SpendRecord record = new() { PathClass = PathClass.BatchCreation };
        meter.Begin(record, 200, "application/json"u8, default);
        meter.Feed("""{"id":"msgbatch_9","type":"message_batch","processing_status":"in_progress"}"""u8);
        meter.End(complete: true);
        Assert.Equal("msgbatch_9", record.MessageId.ToString());
        Assert.Equal(SpendFlags.None, record.Flags);
    }

    private static TestSink Fetch(byte[] body, int cut, string batch = "msgbatch_1")
    {
        TestSink sink = new();
        using ResponseMeter meter = new(sink);
        SpendRecord fetch = Begin(meter, batch);
        meter.Feed(body.AsSpan(0, cut < 0 ? body.Length : cut));
        meter.Feed(body.AsSpan(cut < 0 ? body.Length : cut));
        meter.End(complete: true);
        Assert.Equal(SpendFlags.None, fetch.Flags);
        return sink;
    }

    private static SpendRecord Begin(ResponseMeter meter, string batch)
    {
        SpendRecord fetch = new()
        {
            PathClass = PathClass.BatchResults,
            Method = MethodId.Get,
            Status = 200,
            Caller = Fetcher,
            Credential = CredentialKind.Server,
            Route = "anthropic",
            StartedAtUnixMs = 1_790_000_000_000,
        };
        fetch.MessageId.Set(Encoding.ASCII.GetBytes(batch));
        meter.Begin(fetch, 200, "application/x-jsonl"u8, default);
        return fetch;
    }

    private static string Describe(TestSink sink) => string.Join('\n', sink.Done.Select(line =>
        $"{line.ModelServed}|{line.MessageId}|{line.BatchId}|{line.Usage.InputTokens}|{line.Usage.OutputTokens}|{line.Usage.ServiceTier}|{line.IterationCount}|{line.Caller!.KeyHash[0]}|{line.Credential}|{line.Id}"));
}
