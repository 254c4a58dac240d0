using System.Security.Cryptography;
using System.Text;
using Proxy.Core.Identity;

namespace Proxy.Core.Tests.Identity;

/// <summary>The keys that the credential tables speak of, and what knows them.</summary>
internal static class Keys
{
    public const string Alice = "sk-alice-0123456789abcdef";
    public const string Bob = "sk-bob-0123456789abcdef";
    public const string Blocked = "sk-blocked-0123456789abcdef";
    public const string Expired = "sk-expired-0123456789abcdef";
    public const string Admin = "sk-admin-0123456789abcdef";

    /// <summary>A virtual key that looks like a subscription token.</summary>
    public const string Disguised = "sk-ant-oat01-issued-by-us";

    public const string Wrong = "sk-wrong-0123456789abcdef";
    public const string Oauth = "sk-ant-oat01-client-subscription";
    public const string Byok = "sk-ant-api03-client-own-key";
    public const string Workload = "eyJhbGciOi.workload.identity";

    public const long Now = 1_800_000_000_000;

    public static KeyTable Table { get; } = KeyTable.Create(
        [
            Principal(Alice, "alice"),
            Principal(Bob, "bob"),
            Principal(Disguised, "disguised"),
            Principal(Blocked, "blocked", isBlocked: true),
            Principal(Expired, "expired", expiresAt: Now),
        ],
        SHA256.HashData(Encoding.ASCII.GetBytes(Admin)));

    public static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(key)));

    public static Principal Principal(string key, string? alias, bool isBlocked = false, long? expiresAt = null) =>
        new() { Key = new KeyIdentity(Hash(key), alias), IsBlocked = isBlocked, ExpiresAtUnixMs = expiresAt };
}
