namespace Proxy.Host.Storage;

internal sealed record UserRow
{
    public required string UserId { get; init; }

    public string? Email { get; init; }

    public string? Alias { get; init; }

    public string? Role { get; init; }

    public bool Blocked { get; init; }

    public string? Settings { get; init; }

    public string? Metadata { get; init; }

    public long CreatedAtMs { get; init; }

    public string? CreatedBy { get; init; }

    public long? UpdatedAtMs { get; init; }

    public string? UpdatedBy { get; init; }
}
