namespace Proxy.Core.Spend;

/// <summary>Output that was delivered but that no usage report covered.</summary>
internal static class OutputEstimate
{
    // About four characters of text make a token (anthropic-api.md §5 rule 3).
    private const long BytesPerToken = 4;

    /// <summary>Books an estimate for delivered output and flags it; never lowers what was reported. Does nothing for 0 bytes.</summary>
    public static void Apply(SpendRecord record, long outputBytes)
    {
        if (outputBytes == 0)
        {
            return;
        }

        long estimate = outputBytes / BytesPerToken;
        record.Flags |= SpendFlags.Estimated;
        record.Usage.OutputTokens = Math.Max(record.Usage.OutputTokens, estimate);

        // With iterations the price is their sum; what was delivered last belongs to the last one.
        long reported = 0;
        for (int i = 0; i < record.IterationCount; i++)
        {
            reported = UsageCounters.Sum(reported, record.Iteration(i).Usage.OutputTokens);
        }

        if (record.IterationCount != 0 && reported < estimate)
        {
            IterationUsage last = record.Iteration(record.IterationCount - 1);
            last.Usage.OutputTokens = UsageCounters.Sum(last.Usage.OutputTokens, estimate - reported);
        }
    }
}
