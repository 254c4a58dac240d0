using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// The keys <see cref="UsageReader"/> knows, whatever object they are in and whatever the shape of the answer calls them.
/// </summary>
internal enum UsageField : byte
{
    None = 0,
    Type,
    Model,
    Id,
    Message,
    Usage,
    Content,
    ContentBlock,
    Delta,
    StopReason,
    StopDetails,

    /// <summary>Of <see cref="StopDetails"/>: what a refusal is about.</summary>
    Category,

    /// <summary><c>text</c>, <c>thinking</c>, <c>partial_json</c>: what the model put out.</summary>
    Text,

    /// <summary>Of a line of batch results: which request of the batch it answers, and how.</summary>
    CustomId,
    Result,

    /// <summary>Of a chat completion.</summary>
    Choices,
    Error,
    ToolCalls,
    Function,
    PromptDetails,
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

/// <summary>Which of them are counters.</summary>
internal static class UsageFields
{
    /// <summary>In the order of <see cref="UsageCounter"/>.</summary>
    public static ReadOnlySpan<UsageField> OfCounters =>
    [
        UsageField.InputTokens,
        UsageField.CacheReadInputTokens,
        UsageField.CacheCreationInputTokens,
        UsageField.CacheCreation5m,
        UsageField.CacheCreation1h,
        UsageField.OutputTokens,
        UsageField.ThinkingTokens,
        UsageField.WebSearchRequests,
        UsageField.WebFetchRequests,
    ];

    /// <summary>False for a field that holds something else, whatever a document put there.</summary>
    public static bool TryGetCounter(UsageField field, out UsageCounter counter)
    {
        int index = OfCounters.IndexOf(field);
        counter = (UsageCounter)Math.Max(0, index);
        return index >= 0;
    }
}
