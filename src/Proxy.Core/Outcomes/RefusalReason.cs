namespace Proxy.Core.Outcomes;

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

    /// <summary>The request may cost more than is left of a budget, and nothing could stop it once it is taken.</summary>
    BudgetShort,

    /// <summary>Behind the company's key, a path that is neither metered nor known to be free.</summary>
    Unmetered,
}

/// <summary>What a client is told for each <see cref="RefusalReason"/>: one row each.</summary>
internal static class Refusals
{
    public static Answer Describe(RefusalReason reason) => reason switch
    {
        RefusalReason.KeyMissing => new(401, "no virtual key: send it as x-litellm-api-key"),
        RefusalReason.KeyUnknown => new(401, "the virtual key is not known here"),
        RefusalReason.KeyBlocked => new(401, "the virtual key is blocked"),
        RefusalReason.KeyExpired => new(401, "the virtual key has expired"),
        RefusalReason.AdminKey => new(401, "the admin key is not accepted here: use a virtual key"),
        RefusalReason.CredentialNotForThisHost =>
            new(403, "this route does not send client credentials to its upstream and has no key of its own"),
        RefusalReason.KeyInTarget => new(400, "a virtual key does not belong in a URL: send it as x-litellm-api-key"),
        RefusalReason.RouteUnknown => new(404, "no route serves this path"),
        RefusalReason.BodyTooLarge => new(413, "the request body is larger than this gateway accepts"),
        RefusalReason.LedgerFull => new(503, "the gateway cannot book this request now", ShouldRetry: true),
        RefusalReason.Draining => new(503, "the gateway is shutting down", ShouldRetry: true),
        RefusalReason.TeamBlocked => new(401, "the team of the virtual key is blocked"),
        RefusalReason.UserBlocked => new(401, "the user of the virtual key is blocked"),
        RefusalReason.ModelNotAllowed => new(403, "the virtual key may not use this model"),
        RefusalReason.ModelUnclear =>
            new(400, "the virtual key may use only certain models: the body must be one JSON object that names its model once"),
        RefusalReason.PathNotAllowed =>
            new(403, "the virtual key may use only certain models, and which one a request to this path uses cannot be told"),
        RefusalReason.WorkspaceFenced =>
            new(
                403,
                "files, batches, skills, agents and sessions are shared by everyone behind the company's key: "
                + "the operator can allow them for this virtual key (workspace_access)"),
        RefusalReason.Unmetered =>
            new(
                403,
                "what this path costs behind the company's key cannot be metered: the operator can allow it for this virtual key "
                + "(workspace_access: unmetered)"),
        RefusalReason.RequestRate => new(429, "too many requests in this minute", ShouldRetry: true),
        RefusalReason.TokenRate => new(429, "too many tokens in this minute", ShouldRetry: true),
        RefusalReason.ParallelRequests => new(429, "too many requests at once", ShouldRetry: true),
        RefusalReason.BudgetSpent => new(429, "spend limit reached"),
        RefusalReason.BudgetReserved => new(429, "the requests under way may use up what is left of the spend limit", ShouldRetry: true),
        RefusalReason.BudgetShort =>
            new(429, "this request may cost more than is left of the spend limit: fewer items, or a smaller max_tokens, may fit"),
        RefusalReason.Loop => new(508, "this request has come back to the gateway that sent it: the route's upstream leads here"),
        _ => new(500, "the gateway failed on this request"),
    };
}
