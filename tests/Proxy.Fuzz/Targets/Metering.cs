using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Fuzz.Targets;

/// <summary>Feeds a response body to a meter and tells what would be booked.</summary>
internal static class Metering
{
    public static string Describe(ReadOnlySpan<byte> body, ReadOnlySpan<byte> contentType, int size, PathClass path)
    {
        SpendRecord record = new() { PathClass = path };
        using ResponseMeter meter = new();
        meter.Begin(record, 200, contentType, default);
        for (int at = 0; at < body.Length; at += size)
        {
            meter.Feed(body.Slice(at, Math.Min(size, body.Length - at)));
        }

        meter.End(complete: true);
        StringBuilder text = new();
        text.Append(record.ModelServed).Append('|').Append(record.MessageId).Append('|').Append(record.Flags).Append('|').Append(record.EndReason).Append('|').Append(record.Usage);
        AssertCounts(record.Usage);
        for (int i = 0; i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            AssertCounts(iteration.Usage);
            text.Append('\n').Append(iteration.Kind).Append('|').Append(iteration.Model).Append('|').Append(iteration.Usage);
        }

        return text.ToString();
    }

    /// <summary>The same body whole and in pieces.</summary>
    public static void AssertSame(ReadOnlySpan<byte> body, ReadOnlySpan<byte> contentType, PathClass path = PathClass.Messages)
    {
        string whole = Describe(body, contentType, Math.Max(1, body.Length), path);
        string pieces = Describe(body, contentType, 1 + (body.Length == 0 ? 0 : body[^1] % 9), path);
        FindingException.ThrowUnless(whole == pieces, $"whole: {whole}\nin pieces: {pieces}");
    }

    private static void AssertCounts(in UsageCounters usage) => FindingException.ThrowUnless(
        usage.InputTokens >= 0 && usage.OutputTokens >= 0 && usage.CacheReadInputTokens >= 0 && usage.CacheCreationInputTokens >= 0
            && usage.CacheCreation5mInputTokens >= 0 && usage.CacheCreation1hInputTokens >= 0,
        "a negative count");
}
