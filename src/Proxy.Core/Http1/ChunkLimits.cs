namespace Proxy.Core.Http1;

/// <summary>Sizes in bytes of what surrounds the data of a chunked body, defaults from http-rules.md §7. Immutable; shared by all connections.</summary>
public sealed record ChunkLimits
{
    public static ChunkLimits Default { get; } = new();

    /// <summary>One chunk line: size and extensions, without CRLF.</summary>
    public int MaxLine { get; init; } = 4 * 1024;

    /// <summary>All chunk extensions of a body together (CVE-2023-39326).</summary>
    public int MaxExtensions { get; init; } = 16 * 1024;

    /// <summary>The trailer section.</summary>
    public int MaxTrailers { get; init; } = 8 * 1024;
}
