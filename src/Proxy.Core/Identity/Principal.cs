namespace Proxy.Core.Identity;

/// <summary>Who a virtual key stands for. Immutable; shared by all requests of the key until the snapshot is replaced.</summary>
public sealed class Principal
{
    /// <summary>SHA-256 of the key as LiteLLM writes it: 64 lower-case hexadecimal digits. Identifies the key in the ledger.</summary>
    public required string KeyHash { get; init; }

    public string? KeyAlias { get; init; }

    public string? TeamId { get; init; }

    public string? UserId { get; init; }

    public bool IsBlocked { get; init; }

    /// <summary>Unix milliseconds; null for never.</summary>
    public long? ExpiresAtUnixMs { get; init; }

    /// <summary>The texts above as the journal writes them; made when first needed, by whichever thread comes first.</summary>
    internal byte[]? JournalTexts { get; set; }
}
