namespace Proxy.Core.Admission;

/// <summary>What a scope allows. Immutable; null is no limit.</summary>
public sealed record ScopeLimits
{
    public static readonly ScopeLimits None = new();

    /// <summary>Requests admitted in one minute of the UTC clock.</summary>
    public long? RequestsPerMinute { get; init; }

    /// <summary>
    /// Tokens settled in one minute: fresh input, cache writes and output, never cache reads (anthropic-api.md §5 rule 7).
    /// </summary>
    public long? TokensPerMinute { get; init; }

    /// <summary>Requests under way at once.</summary>
    public int? ParallelRequests { get; init; }

    /// <summary>All of them hold at once.</summary>
    public IReadOnlyList<Budget> Budgets { get; init; } = [];

    /// <summary>Only warns. Judged by the last budget's window, or by all that was ever spent where there is no budget.</summary>
    public long? SoftBudgetNanoUsd { get; init; }

    /// <summary>Added to every budget until <see cref="TemporaryIncreaseEndsUnixMs"/>.</summary>
    public long TemporaryIncreaseNanoUsd { get; init; }

    public long TemporaryIncreaseEndsUnixMs { get; init; }

    /// <summary>Budgets count what clients pay themselves too, and not only what the company pays.</summary>
    public bool CountsClientPaid { get; init; }
}

/// <summary>Whose requests a scope counts.</summary>
public enum ScopeKind : byte
{
    Key,
    Team,
    User,

    /// <summary>A user within a team.</summary>
    Member,

    /// <summary>A key's requests for one model.</summary>
    KeyModel,
}
