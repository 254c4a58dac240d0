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
    TeamBlocked,
    UserBlocked,
    ModelNotAllowed,

    /// <summary>The key may use only certain models, and which one the body asks for cannot be told for sure.</summary>
    ModelUnclear,

    /// <summary>The key may use only certain models, and a body to this path names its model in a way that is not known here.</summary>
    PathNotAllowed,

    /// <summary>The path belongs to the workspace behind the company's key, and the key is not allowed there.</summary>
    WorkspaceFenced,

    /// <summary>Requests per minute.</summary>
    RequestRate,

    /// <summary>Tokens per minute.</summary>
    TokenRate,
    ParallelRequests,

    /// <summary>A budget is used up until its window ends.</summary>
    BudgetSpent,

    /// <summary>What is left of a budget is reserved by requests under way.</summary>
    BudgetReserved,

    /// <summary>The request has been through this gateway before.</summary>
    Loop,
}
