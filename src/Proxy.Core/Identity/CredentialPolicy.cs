namespace Proxy.Core.Identity;

/// <summary>Who is calling, and which one credential leaves: credentials.md as a pure function. Never allocates.</summary>
public static class CredentialPolicy
{
    /// <param name="nowUnixMs">For expiry, Unix milliseconds.</param>
    /// <param name="gatewayKey">The virtual key that identified the caller, as a slice of one of the presented values; empty on refusal.</param>
    public static CredentialDecision Decide(
        in PresentedCredentials presented, KeyTable keys, RouteCredentials route, long nowUnixMs, out ReadOnlySpan<byte> gatewayKey) =>
        throw new NotImplementedException();
}
