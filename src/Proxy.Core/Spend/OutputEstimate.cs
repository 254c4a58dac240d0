using Proxy.Core.Admission;

namespace Proxy.Core.Spend;

/// <summary>Output that was delivered but that no usage report covered.</summary>
internal static class OutputEstimate
{
    // About four characters of text make a token (anthropic-api.md §5 rule 3).
    public const long BytesPerToken = 4;

    /// <summary>As many bytes as so many tokens are reckoned to have.</summary>
    public static long BytesOf(long tokens) => tokens > long.MaxValue / BytesPerToken ? long.MaxValue : tokens * BytesPerToken;

    /// <summary>Books an estimate for delivered output and flags it; never lowers what was reported. Does nothing for 0 bytes.</summary>
    /// <param name="maxTokens">What the request allows: a text of many short tokens and one of few long ones are reckoned alike, but no
    /// answer is longer.</param>
    public static void Apply(SpendRecord record, long outputBytes, long maxTokens = long.MaxValue)
    {
        if (outputBytes == 0)
        {
            return;
        }

        long estimate = Math.Min(outputBytes / BytesPerToken, maxTokens);
        record.Flags |= SpendFlags.Estimated;
        record.Usage.OutputTokens = Math.Max(record.Usage.OutputTokens, estimate);

        // With iterations the price is their sum; what was delivered last belongs to the last one.
        long reported = 0;
        for (int i = 0; i < record.IterationCount; i++)
        {
            reported = Saturating.Add(reported, record.Iteration(i).Usage.OutputTokens);
        }

        if (record.IterationCount != 0 && reported < estimate)
        {
            IterationUsage last = record.Iteration(record.IterationCount - 1);
            last.Usage.OutputTokens = Saturating.Add(last.Usage.OutputTokens, estimate - reported);
        }
    }
}
