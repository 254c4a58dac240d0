using System.Text;
using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

public sealed class PlainDeltaTests
{
    private const string Start = "{\"type\":\"content_block_delta\",\"index\":";

    [Theory]
    [InlineData(Start + "0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\"}}", 0)]
    [InlineData(Start + "12,\"delta\":{\"type\":\"text_delta\",\"text\":\"word \"}}", 5)]
    [InlineData(Start + "0,\"delta\":{\"type\":\"text_delta\",\"text\":\"grüß\"}}", 6)]
    [InlineData(Start + "1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm}}\"}}", 4)]
    [InlineData(Start + "1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"[1,2]\"}}", 5)]
    public void The_usual_line_is_measured_without_reading_it(string json, int length)
    {
        Assert.True(PlainDelta.TryMeasure(Encoding.UTF8.GetBytes(json), out int measured));
        Assert.Equal(length, measured);
    }

    [Theory]
    [InlineData("")]
    [InlineData(Start + "\"}}")]
    [InlineData(Start + "0\"}}")]
    [InlineData(Start + "0,\"delta\":{\"type\":\"text_delta\",\"text\":\"}}")]
    [InlineData(Start + "0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\n\"}}")]
    [InlineData(Start + "0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\",\"text\":\"b\"}}")]
    [InlineData(Start + "0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}} ")]
    [InlineData(Start + " 0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}")]
    [InlineData(Start + "0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"cited_text\":\"a\"}}}")]
    public void Any_other_spelling_is_left_to_the_reader(string json) =>
        Assert.False(PlainDelta.TryMeasure(Encoding.UTF8.GetBytes(json), out _));

    [Theory]
    [InlineData("event: error\n")]
    [InlineData("event\n")]
    [InlineData("event: message_start\n")]
    [InlineData("event: message_delta\n")]
    [InlineData("data: x\n")]
    [InlineData("data:\n")]
    public void What_follows_a_delta_in_its_event_counts_alike_whole_and_in_pieces(string line)
    {
        string stream = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello there\"}}\n" + line + "\n";
        SpendRecord whole = MeterRun.Run(Samples.Bytes(stream), MeterRun.EventStream, complete: true, cut: -1);
        SpendRecord pieces = MeterRun.Run(Samples.Bytes(stream), MeterRun.EventStream, complete: true, cut: -2);
        Assert.Equal(MeterRun.Describe(pieces), MeterRun.Describe(whole));
    }
}
