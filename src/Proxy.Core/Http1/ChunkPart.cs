namespace Proxy.Core.Http1;

/// <summary>What a run of bytes in a chunked body is.</summary>
public enum ChunkPart : byte
{
    /// <summary>The input is used up; give more.</summary>
    NeedMore,

    /// <summary>Framing in canonical form (size digits, CRLF, last chunk, final CRLF): relay as it is, or drop when the body leaves without chunking.</summary>
    Framing,

    /// <summary>Chunk extensions and trailers: validated, never relayed.</summary>
    Discard,

    /// <summary>Body bytes.</summary>
    Data,

    /// <summary>The message is over; nothing of the input was taken.</summary>
    End,

    /// <summary>Not in the grammar, or over a limit: <see cref="ChunkScanner.Error"/> says which rule.</summary>
    Invalid,
}
