namespace Proxy.Core.Metering;

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
}
