namespace Proxy.Core.Anthropic;

internal static class StreamEventNames
{
    public static StreamEventKind Find(ReadOnlySpan<byte> name) => name.Length switch
    {
        0 => StreamEventKind.Unnamed,
        5 when name.SequenceEqual("error"u8) => StreamEventKind.Error,

        // What the grammar calls an event without a name.
        7 when name.SequenceEqual("message"u8) => StreamEventKind.Unnamed,
        12 when name.SequenceEqual("message_stop"u8) => StreamEventKind.MessageStop,
        13 when name.SequenceEqual("message_start"u8) => StreamEventKind.MessageStart,
        13 when name.SequenceEqual("message_delta"u8) => StreamEventKind.MessageDelta,
        19 when name.SequenceEqual("content_block_delta"u8) => StreamEventKind.ContentBlockDelta,
        19 when name.SequenceEqual("content_block_start"u8) => StreamEventKind.ContentBlockStart,
        _ => StreamEventKind.Other,
    };
}

/// <summary>The events of a message stream that say something about usage, by SSE event name or by the JSON <c>type</c>.</summary>
internal enum StreamEventKind : byte
{
    /// <summary>No name was given.</summary>
    Unnamed = 0,
    MessageStart,
    ContentBlockStart,
    ContentBlockDelta,
    MessageDelta,
    MessageStop,
    Error,
    Other,
}
