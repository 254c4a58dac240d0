using Proxy.Simulator.Usage;

namespace Proxy.Simulator.Wire;

/// <summary>A piece of a body that belongs together: an SSE record, or a part of a JSON document.</summary>
internal sealed record Frame(ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Everything that the answer has reported once this frame was read; null if the frame says nothing about usage.</summary>
    public SimUsage? Usage { get; init; }

    /// <summary>Bytes of answer text (UTF-8, before JSON escapes) in this frame.</summary>
    public int TextBytes { get; init; }

    /// <summary>One of the content deltas, which pace and pause apply to.</summary>
    public bool IsDelta { get; init; }

    public int DelayMs { get; init; }

    public string? Hold { get; init; }
}
