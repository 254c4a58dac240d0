using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

public sealed class ResponseMeterTests
{
    [Theory]
    [InlineData(PathClass.CountTokens, 200, "application/json")]
    [InlineData(PathClass.Models, 200, "application/json")]
    [InlineData(PathClass.BatchResults, 200, "application/x-jsonl")]
    [InlineData(PathClass.Messages, 400, "application/json")]
    [InlineData(PathClass.Messages, 429, "application/json")]
    [InlineData(PathClass.Messages, 529, "text/event-stream")]
    public void Nothing_is_booked_for(PathClass path, int status, string type)
    {
        SpendRecord record = Run(path, status, type, complete: true);
        Assert.Equal(default, record.Usage);
        Assert.True(record.ModelServed.IsEmpty);
        Assert.Equal(SpendFlags.None, record.Flags);
        Assert.Equal(SpendFlags.Incomplete, Run(path, status, type, complete: false).Flags);
    }

    [Fact]
    public void Counters_are_current_while_the_stream_runs()
    {
        using ResponseMeter meter = new();
        SpendRecord record = new() { PathClass = PathClass.Messages };
        meter.Begin(record, 200, MeterRun.EventStream, default);
        byte[] body = Samples.Bytes(Samples.Stream);
        meter.Feed(body.AsSpan(0, 600));
        Assert.Equal(25, record.Usage.InputTokens);
        Assert.Equal("claude-opus-5-20260601", record.ModelServed.ToString());
    }

    [Fact]
    public void End_and_Feed_without_Begin_do_nothing()
    {
        using ResponseMeter meter = new();
        meter.Feed("x"u8);
        meter.End(complete: false);
        meter.End(complete: true);
    }

    [Fact]
    public void Meter_forgets_the_stream_before()
    {
        using ResponseMeter meter = new();
        MeterRun.Run(meter, Samples.Bytes(Samples.Stream)[..900], MeterRun.EventStream, complete: false, -2);
        MeterRun.Run(meter, Samples.Bytes(Samples.Json)[..900], MeterRun.Json, complete: false, -2);
        Assert.Equal(
            MeterRun.Describe(MeterRun.Sse(Samples.Stream)),
            MeterRun.Describe(MeterRun.Run(meter, Samples.Bytes(Samples.Stream), MeterRun.EventStream, complete: true, -1)));
    }

    private static SpendRecord Run(PathClass path, int status, string type, bool complete)
    {
        using ResponseMeter meter = new();
        SpendRecord record = new() { PathClass = path };
        meter.Begin(record, status, Samples.Bytes(type), "identity"u8);
        meter.Feed("{\"model\":\"m\",\"usage\":{\"output_tokens\":5}}"u8);
        meter.End(complete);
        return record;
    }
}
