namespace Proxy.Core.Identity;

/// <summary>The one credential that left the gateway (credentials.md rule 3), and so who pays.</summary>
public enum CredentialKind : byte
{
    /// <summary>None left: the upstream judges the request.</summary>
    None = 0,

    /// <summary>The client's Anthropic OAuth token: the client's subscription pays.</summary>
    OAuth,

    /// <summary>The client's own x-api-key.</summary>
    Byok,

    /// <summary>Another bearer of the client's.</summary>
    Bearer,

    /// <summary>The company's key for the route.</summary>
    Server,
}
