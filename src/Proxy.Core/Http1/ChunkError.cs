namespace Proxy.Core.Http1;

/// <summary>Why a chunked body was refused (http-rules.md rows 42 to 45).</summary>
public enum ChunkError : byte
{
    None = 0,
    SizeMalformed,
    SizeOverflow,
    LineTooLong,
    ExtensionMalformed,
    ExtensionsTooLong,
    DataNotTerminated,
    TrailerMalformed,
    TrailersTooLong,
    TrailerForbidden,
}
