namespace Proxy.Host.Storage;

/// <summary>A virtual key as the ledger keeps it: its hash, never itself. Settings and metadata are JSON objects, null for empty ones.</summary>
internal sealed record KeyRow
{
    public required string Hash { get; init; }

    /// <summary>What its counters and budgets hang on: the hash of the first key of a chain of rotations.</summary>
    public required string ScopeId { get; init; }

    /// <summary><c>sk-...</c> and the last four characters, to recognise it by.</summary>
    public string? Name { get; init; }

    public string? Alias { get; init; }

    public string? TeamId { get; init; }

    public string? UserId { get; init; }

    public bool Blocked { get; init; }

    public long? ExpiresAtMs { get; init; }

    public string? Settings { get; init; }

    public string? Metadata { get; init; }

    /// <summary>Hash of the key that took its place.</summary>
    public string? ReplacedBy { get; init; }

    public long CreatedAtMs { get; init; }

    public string? CreatedBy { get; init; }

    public long? UpdatedAtMs { get; init; }

    public string? UpdatedBy { get; init; }
}
