using System.Security.Cryptography;
using System.Text;

namespace Proxy.Host.Configuration;

/// <summary>Keys are kept and compared as SHA-256, as LiteLLM does; they are long random texts, so that no salt or stretching is needed.</summary>
internal static class KeyHash
{
    public static string Of(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>A new key: 32 random bytes as base64url.</summary>
    public static string NewKey() => "sk-" + System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
