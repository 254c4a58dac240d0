using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

/// <summary>Feeds a body to a fresh meter and tells what was booked.</summary>
internal static class MeterRun
{
    public static readonly byte[] EventStream = "text/event-stream; charset=utf-8"u8.ToArray();
    public static readonly byte[] Json = "application/json"u8.ToArray();

    public static SpendRecord Sse(string body, bool complete = true) => Sse(Samples.Bytes(body), complete);

    public static SpendRecord Sse(byte[] body, bool complete = true, int cut = -1) => Run(body, EventStream, complete, cut);

    public static SpendRecord Document(string body, bool complete = true) => Run(Samples.Bytes(body), Json, complete, -1);

    public static SpendRecord Run(byte[] body, byte[] contentType, bool complete, int cut, string coding = "")
    {
        using ResponseMeter meter = new();
        return Run(meter, body, contentType, complete, cut, coding);
    }

    /// <param name="cut">Where the body is cut in two; -2 for byte by byte, -1 for not at all.</param>
    public static SpendRecord Run(
        ResponseMeter meter, byte[] body, byte[] contentType, bool complete, int cut, string coding = "", PathClass path = PathClass.Messages)
    {
        SpendRecord record = new() { PathClass = path };
        meter.Begin(record, 200, contentType, Encoding.ASCII.GetBytes(coding));
        if (cut == -2)
        {
            for (int i = 0; i < body.Length; i++)
            {
                meter.Feed(body.AsSpan(i, 1));
            }
        }
        else
        {
            meter.Feed(body.AsSpan(0, cut < 0 ? body.Length : cut));
            meter.Feed(body.AsSpan(cut < 0 ? body.Length : cut));
        }

        meter.End(complete);
        return record;
    }

    /// <summary>Everything a meter sets, as text to compare.</summary>
    public static string Describe(SpendRecord record)
    {
        StringBuilder text = new();
        text.AppendLine($"{record.ModelServed}|{record.MessageId}|{record.Flags}|{record.EndReason}|{record.Streamed}|{record.Usage}");
        for (int i = 0; i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            text.AppendLine($"{iteration.Kind}|{iteration.Model}|{iteration.Usage}|{iteration.IsFree}");
        }

        return text.ToString();
    }
}
