namespace Proxy.Simulator.Usage;

/// <summary>One entry of <c>usage.iterations</c>: a model call of its own inside the message.</summary>
public sealed record SimIteration
{
    public string Type { get; init; } = "message";
    public string? Model { get; init; }
    public long InputTokens { get; init; }
    public long CacheReadInputTokens { get; init; }
    public long CacheCreationInputTokens { get; init; }
    public long? Ephemeral5mInputTokens { get; init; }
    public long? Ephemeral1hInputTokens { get; init; }
    public long OutputTokens { get; init; }
}
