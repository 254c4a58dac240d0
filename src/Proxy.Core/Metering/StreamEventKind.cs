namespace Proxy.Core.Metering;

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
