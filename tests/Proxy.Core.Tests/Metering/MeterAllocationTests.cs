using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

public sealed class MeterAllocationTests
{
    private readonly SpendRecord _record = new() { PathClass = PathClass.Messages };

    [Fact]
    public void Event_streams_and_documents_allocate_nothing()
    {
        using ResponseMeter meter = new();
        byte[] stream = Samples.Bytes(Samples.Stream);
        byte[] json = Samples.Bytes(Samples.Json);
        AssertAllocatesNothing(() => Scan(meter, stream, MeterRun.EventStream));
        AssertAllocatesNothing(() => Scan(meter, json, MeterRun.Json));
    }

    [Fact]
    public void Requests_allocate_nothing()
    {
        RequestMeter meter = new();
        byte[] body = Samples.Bytes("{\"messages\":[{\"content\":\"" + new string('x', 100_000) + "\"}],\"model\":\"claude-opus-5\"}");
        AssertAllocatesNothing(() =>
        {
            meter.Begin(PathClass.Messages, pricer: PriceBook.BuiltIn);
            meter.Feed(body);
            _ = meter.Estimate(body.Length, isWhole: true, 0);
            meter.End();
        });
    }

    [Fact]
    public void Pricing_allocates_nothing()
    {
        PriceBook book = PriceBook.BuiltIn;
        _record.ModelServed.Set("claude-opus-5-20260601[1m]"u8);
        _record.Usage = new UsageCounters { InputTokens = 5, OutputTokens = 7, WebSearchRequests = 1, Speed = Speed.Fast };
        AssertAllocatesNothing(() => book.Price(_record));
        _record.ModelServed.Set("claude-next"u8);
        AssertAllocatesNothing(() => book.Price(_record));
    }

    private void Scan(ResponseMeter meter, byte[] body, byte[] type)
    {
        meter.Begin(_record, 200, type, default);
        meter.Feed(body.AsSpan(0, 300));
        meter.Feed(body.AsSpan(300));
        meter.End(complete: true);
    }

    private static void AssertAllocatesNothing(Action run)
    {
        for (int i = 0; i < 50; i++)
        {
            run();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            run();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
