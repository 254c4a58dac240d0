namespace Proxy.Core.Tests.Identity;

/// <summary>The four kinds of routes that credentials.md tells apart.</summary>
public enum RouteKind
{
    /// <summary>S is set, client credentials may go there.</summary>
    Anthropic,

    /// <summary>No S, client credentials may go there.</summary>
    AnthropicWithoutKey,

    /// <summary>S is set, client credentials may not go there (row 29).</summary>
    Foreign,

    /// <summary>No S, client credentials may not go there (row 29).</summary>
    ForeignWithoutKey,
}
