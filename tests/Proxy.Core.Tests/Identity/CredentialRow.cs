using Proxy.Core.Identity;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Identity;

/// <summary>The three credential fields as they come out of the parser; null is an absent field.</summary>
public sealed record CredentialRow(string Name, string? GatewayKey, string? Authorization = null, string? ApiKey = null)
{
    public RouteKind Route { get; init; } = RouteKind.Anthropic;

    public CredentialKind Sends { get; init; } = CredentialKind.Server;

    public RefusalReason Refused { get; init; }

    public string Caller { get; init; } = "alice";

    /// <summary>The key that identified the caller, when it is not Alice's.</summary>
    public string Key { get; init; } = Keys.Alice;

    public override string ToString() => Name;
}
