using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>Names of the fields of anthropic-api.md §5, and where each of them may stand.</summary>
internal static class UsageKeys
{
    private const uint Tokens = (1u << (int)UsageField.InputTokens) | (1u << (int)UsageField.CacheReadInputTokens)
        | (1u << (int)UsageField.CacheCreationInputTokens) | (1u << (int)UsageField.CacheCreation) | (1u << (int)UsageField.OutputTokens)
        | (1u << (int)UsageField.OutputDetails) | (1u << (int)UsageField.ServerToolUse) | (1u << (int)UsageField.ServiceTier)
        | (1u << (int)UsageField.Speed) | (1u << (int)UsageField.InferenceGeo);

    private const uint OfMessage = (1u << (int)UsageField.Model) | (1u << (int)UsageField.Id) | (1u << (int)UsageField.Usage);

    /// <summary>The field that <paramref name="key"/> is in <paramref name="node"/>; None when it means nothing there.</summary>
    public static UsageField Find(UsageNode node, UsageDocument document, ReadOnlySpan<byte> key)
    {
        UsageField field = Find(key);
        return (Allowed(node, document) & (1u << (int)field)) != 0 ? field : UsageField.None;
    }

    private static uint Allowed(UsageNode node, UsageDocument document) => node switch
    {
        UsageNode.Root when document == UsageDocument.BatchLine => (1u << (int)UsageField.CustomId) | (1u << (int)UsageField.Result),
        UsageNode.Result => (1u << (int)UsageField.Type) | (1u << (int)UsageField.Message),
        UsageNode.Root when document == UsageDocument.StreamEvent => (1u << (int)UsageField.Type) | (1u << (int)UsageField.Message) | (1u << (int)UsageField.Usage)
            | (1u << (int)UsageField.Delta),
        UsageNode.Root => OfMessage | (1u << (int)UsageField.Type) | (1u << (int)UsageField.Content),
        UsageNode.Message => OfMessage,
        UsageNode.Usage => Tokens | (1u << (int)UsageField.Iterations),
        UsageNode.Iteration => Tokens | (1u << (int)UsageField.Type) | (1u << (int)UsageField.Model),
        UsageNode.CacheCreation => (1u << (int)UsageField.CacheCreation5m) | (1u << (int)UsageField.CacheCreation1h),
        UsageNode.OutputDetails => 1u << (int)UsageField.ThinkingTokens,
        UsageNode.ServerToolUse => (1u << (int)UsageField.WebSearchRequests) | (1u << (int)UsageField.WebFetchRequests),
        UsageNode.Output => 1u << (int)UsageField.Text,
        _ => 0,
    };

    private static UsageField Find(ReadOnlySpan<byte> key) => key.Length switch
    {
        2 when key.SequenceEqual("id"u8) => UsageField.Id,
        4 when key.SequenceEqual("type"u8) => UsageField.Type,
        4 when key.SequenceEqual("text"u8) => UsageField.Text,
        5 when key.SequenceEqual("delta"u8) => UsageField.Delta,
        5 when key.SequenceEqual("usage"u8) => UsageField.Usage,
        5 when key.SequenceEqual("model"u8) => UsageField.Model,
        5 when key.SequenceEqual("speed"u8) => UsageField.Speed,
        6 when key.SequenceEqual("result"u8) => UsageField.Result,
        7 when key.SequenceEqual("message"u8) => UsageField.Message,
        7 when key.SequenceEqual("content"u8) => UsageField.Content,
        8 when key.SequenceEqual("thinking"u8) => UsageField.Text,
        9 when key.SequenceEqual("custom_id"u8) => UsageField.CustomId,
        10 when key.SequenceEqual("iterations"u8) => UsageField.Iterations,
        12 when key.SequenceEqual("input_tokens"u8) => UsageField.InputTokens,
        12 when key.SequenceEqual("service_tier"u8) => UsageField.ServiceTier,
        12 when key.SequenceEqual("partial_json"u8) => UsageField.Text,
        13 when key.SequenceEqual("output_tokens"u8) => UsageField.OutputTokens,
        13 when key.SequenceEqual("inference_geo"u8) => UsageField.InferenceGeo,
        14 when key.SequenceEqual("cache_creation"u8) => UsageField.CacheCreation,
        15 when key.SequenceEqual("server_tool_use"u8) => UsageField.ServerToolUse,
        15 when key.SequenceEqual("thinking_tokens"u8) => UsageField.ThinkingTokens,
        18 when key.SequenceEqual("web_fetch_requests"u8) => UsageField.WebFetchRequests,
        19 when key.SequenceEqual("web_search_requests"u8) => UsageField.WebSearchRequests,
        21 when key.SequenceEqual("output_tokens_details"u8) => UsageField.OutputDetails,
        23 when key.SequenceEqual("cache_read_input_tokens"u8) => UsageField.CacheReadInputTokens,
        25 when key.SequenceEqual("ephemeral_5m_input_tokens"u8) => UsageField.CacheCreation5m,
        25 when key.SequenceEqual("ephemeral_1h_input_tokens"u8) => UsageField.CacheCreation1h,
        27 when key.SequenceEqual("cache_creation_input_tokens"u8) => UsageField.CacheCreationInputTokens,
        _ => UsageField.None,
    };
}

/// <summary>The words that usage fields can hold.</summary>
internal static class UsageWords
{
    public static IterationKind KindOf(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("message"u8) ? IterationKind.Message
        : text.SequenceEqual("compaction"u8) ? IterationKind.Compaction
        : text.SequenceEqual("advisor_message"u8) ? IterationKind.AdvisorMessage
        : text.SequenceEqual("fallback_message"u8) ? IterationKind.FallbackMessage
        : IterationKind.Other;

    public static ServiceTier TierOf(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("standard"u8) ? ServiceTier.Standard
        : text.SequenceEqual("priority"u8) ? ServiceTier.Priority
        : text.SequenceEqual("batch"u8) ? ServiceTier.Batch
        : ServiceTier.Other;

    public static Speed SpeedOf(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("standard"u8) ? Speed.Standard
        : text.SequenceEqual("fast"u8) ? Speed.Fast
        : Speed.Other;

    public static InferenceGeo GeoOf(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("us"u8) ? InferenceGeo.Us
        : text.SequenceEqual("global"u8) ? InferenceGeo.Global
        : InferenceGeo.Other;
}
