using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>Names of the fields of anthropic-api.md §5, and where each of them may stand.</summary>
internal static class UsageKeys
{
    private const ulong Tokens = (1UL << (int)UsageField.InputTokens) | (1UL << (int)UsageField.CacheReadInputTokens)
        | (1UL << (int)UsageField.CacheCreationInputTokens) | (1UL << (int)UsageField.CacheCreation) | (1UL << (int)UsageField.OutputTokens)
        | (1UL << (int)UsageField.OutputDetails) | (1UL << (int)UsageField.ServerToolUse) | (1UL << (int)UsageField.ServiceTier)
        | (1UL << (int)UsageField.Speed) | (1UL << (int)UsageField.InferenceGeo);

    private const ulong OfMessage = (1UL << (int)UsageField.Model) | (1UL << (int)UsageField.Id) | (1UL << (int)UsageField.Usage);

    private const ulong OfStop = (1UL << (int)UsageField.StopReason) | (1UL << (int)UsageField.StopDetails);

    /// <summary>Its value is a number of something.</summary>
    public static bool IsCount(UsageField field) => UsageFields.TryGetCounter(field, out _);

    /// <summary>The field that <paramref name="key"/> is in <paramref name="node"/>; None when it means nothing there.</summary>
    public static UsageField Find(UsageNode node, UsageDocument document, ReadOnlySpan<byte> key)
    {
        UsageField field = document is UsageDocument.ChatCompletion or UsageDocument.TextCompletion ? FindInCompletion(key) : Find(key);
        return (Allowed(node, document) & (1UL << (int)field)) != 0 ? field : UsageField.None;
    }

    private static ulong Allowed(UsageNode node, UsageDocument document) => node switch
    {
        UsageNode.Root => AllowedInRoot(document),
        UsageNode.Result => (1UL << (int)UsageField.Type) | (1UL << (int)UsageField.Message),
        UsageNode.Message when document == UsageDocument.BatchLine => OfMessage | OfStop | (1UL << (int)UsageField.Content),
        UsageNode.Message => OfMessage | OfStop,
        UsageNode.Usage => Tokens | (1UL << (int)UsageField.Iterations) | (1UL << (int)UsageField.PromptDetails),
        UsageNode.Iteration => Tokens | OfStop | (1UL << (int)UsageField.Type) | (1UL << (int)UsageField.Model),
        UsageNode.CacheCreation => (1UL << (int)UsageField.CacheCreation5m) | (1UL << (int)UsageField.CacheCreation1h),
        UsageNode.PromptDetails => 1UL << (int)UsageField.CacheReadInputTokens,
        UsageNode.OutputDetails => 1UL << (int)UsageField.ThinkingTokens,
        UsageNode.ServerToolUse => (1UL << (int)UsageField.WebSearchRequests) | (1UL << (int)UsageField.WebFetchRequests),
        UsageNode.Output => (1UL << (int)UsageField.Text) | (1UL << (int)UsageField.Type),
        UsageNode.Delta => (1UL << (int)UsageField.Text) | OfStop,
        UsageNode.StopDetails => 1UL << (int)UsageField.Category,
        UsageNode.Choice => (1UL << (int)UsageField.Delta) | (1UL << (int)UsageField.Message) | (1UL << (int)UsageField.Text),
        UsageNode.ChatOutput => (1UL << (int)UsageField.Text) | (1UL << (int)UsageField.ToolCalls),
        UsageNode.ToolCall => 1UL << (int)UsageField.Function,
        _ => 0,
    };

    private static ulong AllowedInRoot(UsageDocument document) => document switch
    {
        UsageDocument.BatchLine => (1UL << (int)UsageField.CustomId) | (1UL << (int)UsageField.Result),
        UsageDocument.StreamEvent => (1UL << (int)UsageField.Type) | (1UL << (int)UsageField.Message) | (1UL << (int)UsageField.Usage)
            | (1UL << (int)UsageField.Delta) | (1UL << (int)UsageField.ContentBlock) | (1UL << (int)UsageField.StopDetails),
        UsageDocument.ChatCompletion =>
            OfMessage | (1UL << (int)UsageField.Type) | (1UL << (int)UsageField.Choices) | (1UL << (int)UsageField.Error),
        UsageDocument.TextCompletion => OfMessage | (1UL << (int)UsageField.Type) | (1UL << (int)UsageField.Text)
            | (1UL << (int)UsageField.StopReason) | (1UL << (int)UsageField.Error),
        _ => OfMessage | OfStop | (1UL << (int)UsageField.Type) | (1UL << (int)UsageField.Content),
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
        8 when key.SequenceEqual("category"u8) => UsageField.Category,
        10 when key.SequenceEqual("iterations"u8) => UsageField.Iterations,
        11 when key.SequenceEqual("stop_reason"u8) => UsageField.StopReason,
        12 when key.SequenceEqual("stop_details"u8) => UsageField.StopDetails,
        12 when key.SequenceEqual("input_tokens"u8) => UsageField.InputTokens,
        12 when key.SequenceEqual("service_tier"u8) => UsageField.ServiceTier,
        12 when key.SequenceEqual("partial_json"u8) => UsageField.Text,
        13 when key.SequenceEqual("output_tokens"u8) => UsageField.OutputTokens,
        13 when key.SequenceEqual("content_block"u8) => UsageField.ContentBlock,
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

    /// <summary>The shapes of <c>/v1/chat/completions</c> and <c>/v1/complete</c>.</summary>
    private static UsageField FindInCompletion(ReadOnlySpan<byte> key) => key.Length switch
    {
        2 when key.SequenceEqual("id"u8) => UsageField.Id,
        4 when key.SequenceEqual("type"u8) => UsageField.Type,
        4 when key.SequenceEqual("text"u8) => UsageField.Text,
        5 when key.SequenceEqual("delta"u8) => UsageField.Delta,
        5 when key.SequenceEqual("usage"u8) => UsageField.Usage,
        5 when key.SequenceEqual("model"u8) => UsageField.Model,
        5 when key.SequenceEqual("error"u8) => UsageField.Error,
        7 when key.SequenceEqual("message"u8) => UsageField.Message,
        7 when key.SequenceEqual("choices"u8) => UsageField.Choices,
        7 when key.SequenceEqual("content"u8) => UsageField.Text,
        7 when key.SequenceEqual("refusal"u8) => UsageField.Text,
        8 when key.SequenceEqual("function"u8) => UsageField.Function,
        9 when key.SequenceEqual("arguments"u8) => UsageField.Text,
        10 when key.SequenceEqual("completion"u8) => UsageField.Text,
        10 when key.SequenceEqual("tool_calls"u8) => UsageField.ToolCalls,
        11 when key.SequenceEqual("stop_reason"u8) => UsageField.StopReason,
        13 when key.SequenceEqual("prompt_tokens"u8) => UsageField.InputTokens,
        13 when key.SequenceEqual("cached_tokens"u8) => UsageField.CacheReadInputTokens,
        16 when key.SequenceEqual("reasoning_tokens"u8) => UsageField.ThinkingTokens,
        17 when key.SequenceEqual("completion_tokens"u8) => UsageField.OutputTokens,
        17 when key.SequenceEqual("reasoning_content"u8) => UsageField.Text,
        21 when key.SequenceEqual("prompt_tokens_details"u8) => UsageField.PromptDetails,
        25 when key.SequenceEqual("completion_tokens_details"u8) => UsageField.OutputDetails,
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
