namespace Proxy.Core.Identity;

/// <summary>Why the gateway refused a well-formed request.</summary>
public enum RefusalReason : byte
{
    None = 0,
    KeyMissing,
    KeyUnknown,
    KeyBlocked,
    KeyExpired,
    AdminKey,
    CredentialNotForThisHost,
    KeyInTarget,
    RouteUnknown,
    BodyTooLarge,
    LedgerFull,
    Draining,
}
