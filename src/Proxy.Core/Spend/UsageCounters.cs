namespace Proxy.Core.Spend;

/// <summary>Token and tool counters as the API reports them (anthropic-api.md §5). Counts, never negative; 0 when never reported.</summary>
public record struct UsageCounters
{
    public long InputTokens;
    public long CacheReadInputTokens;
    public long CacheCreationInputTokens;
    public long CacheCreation5mInputTokens;
    public long CacheCreation1hInputTokens;
    public long OutputTokens;
    public long ThinkingTokens;
    public long WebSearchRequests;
    public long WebFetchRequests;
    public ServiceTier ServiceTier;
    public Speed Speed;
    public InferenceGeo InferenceGeo;

    /// <summary>Adds the counts of another report; sums that do not fit stay at the largest value.</summary>
    public void Add(in UsageCounters other)
    {
        InputTokens = Sum(InputTokens, other.InputTokens);
        CacheReadInputTokens = Sum(CacheReadInputTokens, other.CacheReadInputTokens);
        CacheCreationInputTokens = Sum(CacheCreationInputTokens, other.CacheCreationInputTokens);
        CacheCreation5mInputTokens = Sum(CacheCreation5mInputTokens, other.CacheCreation5mInputTokens);
        CacheCreation1hInputTokens = Sum(CacheCreation1hInputTokens, other.CacheCreation1hInputTokens);
        OutputTokens = Sum(OutputTokens, other.OutputTokens);
        ThinkingTokens = Sum(ThinkingTokens, other.ThinkingTokens);
        WebSearchRequests = Sum(WebSearchRequests, other.WebSearchRequests);
        WebFetchRequests = Sum(WebFetchRequests, other.WebFetchRequests);
    }

    /// <summary>The sum of two counts, at most <see cref="long.MaxValue"/>.</summary>
    internal static long Sum(long left, long right) => left > long.MaxValue - right ? long.MaxValue : left + right;
}
