namespace Proxy.Core.Identity;

/// <summary>Who a virtual key stands for. Immutable; shared by all requests of the key until the snapshot is replaced.</summary>
public sealed class Principal
{
    /// <summary>SHA-256 of the key as LiteLLM writes it: 64 lower-case hexadecimal digits. Identifies the key in the ledger.</summary>
    public required string KeyHash { get; init; }

    /// <summary>What counters and budgets hang on: the hash of the first key of a chain of rotations.</summary>
    public string ScopeId
    {
        get => field ?? KeyHash;
        init;
    }

    public string? KeyAlias { get; init; }

    public string? TeamId { get; init; }

    public string? UserId { get; init; }

    public bool IsBlocked { get; init; }

    public bool IsTeamBlocked { get; init; }

    public bool IsUserBlocked { get; init; }

    /// <summary>Unix milliseconds; null for never.</summary>
    public long? ExpiresAtUnixMs { get; init; }

    /// <summary>The models of the key; null for all.</summary>
    public ModelAllowList? Models { get; init; }

    /// <summary>The models of the key's team; null for all.</summary>
    public ModelAllowList? TeamModels { get; init; }

    public WorkspaceAccess Workspace { get; init; }

    /// <summary>Its models are limited, so that the body of each request has to be read before it may go.</summary>
    public bool IsGuarded => Models is not null || TeamModels is not null;

    public bool AllowsModel(ReadOnlySpan<byte> model) => (Models is null || Models.Allows(model)) && (TeamModels is null || TeamModels.Allows(model));

    /// <summary>The texts above as the journal writes them; made when first needed, by whichever thread comes first.</summary>
    internal byte[]? JournalTexts { get; set; }
}
