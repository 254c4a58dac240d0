namespace Proxy.Simulator.Usage;

/// <summary>A usage object as it stands at some point of an answer. Null means that the field is not reported.</summary>
public sealed record SimUsage
{
    public long InputTokens { get; init; }
    public long CacheReadInputTokens { get; init; }
    public long CacheCreationInputTokens { get; init; }
    public long? Ephemeral5mInputTokens { get; init; }
    public long? Ephemeral1hInputTokens { get; init; }
    public long OutputTokens { get; init; }
    public long? ThinkingTokens { get; init; }
    public long? WebSearchRequests { get; init; }
    public long? WebFetchRequests { get; init; }
    public string? ServiceTier { get; init; }
    public string? Speed { get; init; }
    public string? InferenceGeo { get; init; }
    public IReadOnlyList<SimIteration>? Iterations { get; init; }

    public static SimUsage Default { get; } = new()
    {
        InputTokens = 25,
        CacheReadInputTokens = 12_000,
        CacheCreationInputTokens = 300,
        Ephemeral5mInputTokens = 200,
        Ephemeral1hInputTokens = 100,
        OutputTokens = 210,
        ServiceTier = "standard",
        InferenceGeo = "not_available",
    };

    /// <summary>
    /// What <c>message_start</c> reports: no output yet, and only the cache writes known by then, if <c>message_delta</c> will report more.
    /// </summary>
    public SimUsage AtStart(bool deltaRepeatsInput) => this with
    {
        OutputTokens = Math.Min(1, OutputTokens),
        ThinkingTokens = null,
        CacheCreationInputTokens = deltaRepeatsInput && (Ephemeral5mInputTokens ?? Ephemeral1hInputTokens) is not null
            ? Math.Min(CacheCreationInputTokens, (Ephemeral5mInputTokens ?? 0) + (Ephemeral1hInputTokens ?? 0))
            : CacheCreationInputTokens,
        WebSearchRequests = WebSearchRequests is null ? null : 0,
        WebFetchRequests = WebFetchRequests is null ? null : 0,
        Iterations = Iterations is [SimIteration first, ..] ? [first with { OutputTokens = Math.Min(1, first.OutputTokens) }] : Iterations,
    };

    /// <summary>What one of <paramref name="steps"/> message_delta events reports: cumulative, the last is final.</summary>
    public SimUsage AtDelta(int step, int steps) => step == steps
        ? this
        : this with
        {
            OutputTokens = Math.Max(Math.Min(1, OutputTokens), OutputTokens * step / steps),
            ThinkingTokens = ThinkingTokens * step / steps,
            WebSearchRequests = WebSearchRequests * step / steps,
            WebFetchRequests = WebFetchRequests * step / steps,
            Iterations = Iterations is null
                ? null
                : [.. Iterations.Select(each => each with { OutputTokens = each.OutputTokens * step / steps })],
        };
}
