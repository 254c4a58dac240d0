using System.Text;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Identity;

/// <summary>Who is calling, and which one credential leaves: credentials.md as a pure function. Never allocates.</summary>
public static class CredentialPolicy
{
    /// <param name="nowUnixMs">For expiry, Unix milliseconds.</param>
    /// <param name="gatewayKey">The virtual key that identified the caller, as a slice of one of the presented values; empty on
    /// refusal.</param>
    public static CredentialDecision Decide(
        in PresentedCredentials presented, KeyTable keys, RouteCredentials route, long nowUnixMs, out ReadOnlySpan<byte> gatewayKey)
    {
        gatewayKey = default;
        ReadOnlySpan<byte> named = presented.HasGatewayKey ? WithoutBearer(presented.GatewayKey) : default;
        ReadOnlySpan<byte> bearer = presented.HasAuthorization ? BearerToken(presented.Authorization) : default;
        ReadOnlySpan<byte> apiKey = presented.HasApiKey && !IsNothing(WithoutBearer(presented.ApiKey)) ? presented.ApiKey : default;
        bool isOauth = IsOauthToken(bearer);

        // 1. Authenticate. An explicit key that is wrong is refused, never skipped (row 15).
        bool bearerIsOurs = keys.TryIdentify(bearer, out Principal? bearerOwner);
        bool apiKeyIsOurs = keys.TryIdentify(apiKey, out Principal? apiKeyOwner);
        Principal? principal;
        bool isOurs;
        if (!named.IsEmpty)
        {
            isOurs = keys.TryIdentify(named, out principal);
            gatewayKey = named;
        }
        else if (bearerIsOurs && !isOauth)
        {
            (isOurs, principal) = (true, bearerOwner);
            gatewayKey = bearer;
        }
        else
        {
            (isOurs, principal) = (apiKeyIsOurs, apiKeyOwner);
            gatewayKey = apiKey;
        }

        RefusalReason refusal = principal is not null ? Judge(principal, nowUnixMs)
            : isOurs ? RefusalReason.AdminKey
            : named.IsEmpty ? RefusalReason.KeyMissing
            : RefusalReason.KeyUnknown;
        if (refusal != RefusalReason.None)
        {
            gatewayKey = default;
            return new CredentialDecision { Refusal = refusal, Principal = principal };
        }

        // 2. What is a key of ours is consumed, wherever it stands.
        bool hasBearer = !bearer.IsEmpty && !bearerIsOurs && !HoldsKey(bearer, keys);
        bool hasApiKey = !apiKey.IsEmpty && !apiKeyIsOurs && !HoldsKey(apiKey, keys);

        // 3. Exactly one credential leaves.
        CredentialKind client = hasBearer && isOauth ? CredentialKind.OAuth
            : hasApiKey ? CredentialKind.Byok
            : hasBearer ? CredentialKind.Bearer
            : CredentialKind.None;
        if (client != CredentialKind.None && !route.AcceptsClientCredentials)
        {
            if (!route.HasServerKey)
            {
                gatewayKey = default;
                return new CredentialDecision { Refusal = RefusalReason.CredentialNotForThisHost, Principal = principal };
            }

            client = CredentialKind.None;
        }

        if (client == CredentialKind.None && route.HasServerKey)
        {
            client = CredentialKind.Server;
        }

        return new CredentialDecision { Principal = principal, Credential = client };
    }

    private static RefusalReason Judge(Principal principal, long nowUnixMs) =>
        principal.IsBlocked ? RefusalReason.KeyBlocked
        : principal.IsTeamBlocked ? RefusalReason.TeamBlocked
        : principal.IsUserBlocked ? RefusalReason.UserBlocked
        : principal.ExpiresAtUnixMs <= nowUnixMs ? RefusalReason.KeyExpired
        : RefusalReason.None;

    /// <summary>The token of <c>Bearer TOKEN</c>; empty when the scheme is another, or the token is nothing (rows 18, 20, 24).</summary>
    private static ReadOnlySpan<byte> BearerToken(ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> token = WithoutBearer(value);
        return token.Length == value.Length || IsNothing(token) ? default : token;
    }

    /// <summary>
    /// Takes off a scheme of Bearer, in any case, and the spaces behind it: 1*SP, so a tab makes it another scheme (RFC 9110 §11.4).
    /// </summary>
    private static ReadOnlySpan<byte> WithoutBearer(ReadOnlySpan<byte> value)
    {
        const int SchemeLength = 6;
        if (value.Length < SchemeLength || !Ascii.EqualsIgnoreCase(value[..SchemeLength], "bearer"u8))
        {
            return value;
        }

        ReadOnlySpan<byte> rest = value[SchemeLength..];
        return rest.IsEmpty || rest[0] == (byte)' ' ? rest.Trim((byte)' ') : value;
    }

    /// <summary>
    /// Whether a key of ours is one word among several, as in <c>x-api-key: Bearer VK</c> or <c>Authorization: Bearer Bearer VK</c>:
    /// helpers of clients write such values. It authenticates nobody, and must not leave (http-rules.md row 63).
    /// </summary>
    private static bool HoldsKey(ReadOnlySpan<byte> value, KeyTable keys)
    {
        if (value.IndexOfAny((byte)' ', (byte)'\t') < 0)
        {
            return false;
        }

        foreach (Range word in value.SplitAny(" \t"u8))
        {
            if (keys.TryIdentify(value[word], out _))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOauthToken(ReadOnlySpan<byte> token) => token.StartsWith("sk-ant-oat"u8);

    /// <summary>What templates of clients write when they have no value (row 20).</summary>
    private static bool IsNothing(ReadOnlySpan<byte> value) =>
        value.IsEmpty
        || Ascii.EqualsIgnoreCase(value, "none"u8)
        || Ascii.EqualsIgnoreCase(value, "null"u8)
        || Ascii.EqualsIgnoreCase(value, "undefined"u8);
}

/// <summary>The outcome of <see cref="CredentialPolicy"/>: either a refusal, or a principal and exactly one credential to send.</summary>
public readonly record struct CredentialDecision
{
    public RefusalReason Refusal { get; init; }

    public Principal? Principal { get; init; }

    public CredentialKind Credential { get; init; }

    public bool ForwardAuthorization => Credential is CredentialKind.OAuth or CredentialKind.Bearer;

    public bool ForwardApiKey => Credential is CredentialKind.Byok;
}

/// <summary>
/// The credential fields of a request as they came, whitespace around the values removed. A null-like span and <c>Has… = false</c> when the
/// field is absent.
/// </summary>
public ref struct PresentedCredentials
{
    public bool HasGatewayKey;
    public ReadOnlySpan<byte> GatewayKey;

    public bool HasAuthorization;
    public ReadOnlySpan<byte> Authorization;

    public bool HasApiKey;
    public ReadOnlySpan<byte> ApiKey;
}
