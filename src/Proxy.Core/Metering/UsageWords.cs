namespace Proxy.Core.Metering;

/// <summary>The words that usage fields can hold.</summary>
internal static class UsageWords
{
    public static IterationKind Kind(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("message"u8) ? IterationKind.Message
        : text.SequenceEqual("compaction"u8) ? IterationKind.Compaction
        : text.SequenceEqual("advisor_message"u8) ? IterationKind.AdvisorMessage
        : text.SequenceEqual("fallback_message"u8) ? IterationKind.FallbackMessage
        : IterationKind.Other;

    public static ServiceTier Tier(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("standard"u8) ? ServiceTier.Standard
        : text.SequenceEqual("priority"u8) ? ServiceTier.Priority
        : text.SequenceEqual("batch"u8) ? ServiceTier.Batch
        : ServiceTier.Other;

    public static Speed Speed(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("standard"u8) ? Metering.Speed.Standard
        : text.SequenceEqual("fast"u8) ? Metering.Speed.Fast
        : Metering.Speed.Other;

    public static InferenceGeo Geo(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("us"u8) ? InferenceGeo.Us
        : text.SequenceEqual("global"u8) ? InferenceGeo.Global
        : InferenceGeo.Other;
}
