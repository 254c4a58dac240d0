namespace Proxy.Core.Metering;

/// <summary>The keys <see cref="UsageReader"/> knows, whatever object they are in.</summary>
internal enum UsageField : byte
{
    None = 0,
    Type,
    Model,
    Id,
    Message,
    Usage,
    Content,
    Delta,

    /// <summary><c>text</c>, <c>thinking</c>, <c>partial_json</c>: what the model put out.</summary>
    Text,

    /// <summary>Of a line of batch results: which request of the batch it answers, and how.</summary>
    CustomId,
    Result,
    InputTokens,
    CacheReadInputTokens,
    CacheCreationInputTokens,
    CacheCreation,
    CacheCreation5m,
    CacheCreation1h,
    OutputTokens,
    OutputDetails,
    ThinkingTokens,
    ServerToolUse,
    WebSearchRequests,
    WebFetchRequests,
    ServiceTier,
    Speed,
    InferenceGeo,
    Iterations,
}
