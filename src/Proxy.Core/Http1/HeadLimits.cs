namespace Proxy.Core.Http1;

/// <summary>Sizes in bytes, defaults from http-rules.md §7. Immutable; shared by all connections.</summary>
public sealed record HeadLimits
{
    public static HeadLimits Request { get; } = new();

    public static HeadLimits Response { get; } = new() { MaxHead = 64 * 1024, MaxFieldLine = 32 * 1024 };

    /// <summary>Request line or status line, without CRLF.</summary>
    public int MaxStartLine { get; init; } = 8 * 1024;

    /// <summary>One field line, without CRLF.</summary>
    public int MaxFieldLine { get; init; } = 16 * 1024;

    /// <summary>The whole head, start line and final CRLF included.</summary>
    public int MaxHead { get; init; } = 32 * 1024;

    /// <summary>Field lines; at most <see cref="FieldTable.Capacity"/>.</summary>
    public int MaxFields { get; init; } = 100;
}
