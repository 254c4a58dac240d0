namespace Proxy.Host.Storage;

/// <summary>All principals as the ledger had them at one moment.</summary>
internal sealed record Principals(
    long Version,
    IReadOnlyList<KeyRow> Keys,
    IReadOnlyList<TeamRow> Teams,
    IReadOnlyList<UserRow> Users,
    IReadOnlyList<MemberRow> Members,
    IReadOnlyList<AdjustmentRow> Adjustments);
