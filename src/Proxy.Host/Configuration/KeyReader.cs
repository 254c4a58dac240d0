using System.Globalization;
using Proxy.Core.Identity;

namespace Proxy.Host.Configuration;

/// <summary>The <c>keys</c> list and the admin key.</summary>
internal static class KeyReader
{
    public static IReadOnlyList<Principal> Read(SectionReader root)
    {
        List<Principal> keys = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (SectionReader section in root.Sections("keys") ?? [])
        {
            string? hash = ReadHash(section);
            Principal key = new()
            {
                Key = new KeyIdentity(hash ?? "", section.Text("alias"), section.Text("team"), section.Text("user")),
                IsBlocked = section.Flag("blocked") ?? false,
                ExpiresAtUnixMs = ReadExpiry(section),
            };
            section.Finish();
            if (hash is null)
            {
                continue;
            }

            if (seen.Add(hash))
            {
                keys.Add(key);
            }
            else
            {
                section.Problem("key", "the same key is in the list twice");
            }
        }

        return keys;
    }

    public static string? ReadAdminKey(SectionReader root, ConfigurationSource source)
    {
        string? key = SecretReader.Read(root, "adminKey", "adminKeyFile") ?? source.Credential("admin-key");
        if (string.IsNullOrEmpty(key))
        {
            return null;
        }

        if (key.Length < 16 || !IsKey(key))
        {
            root.Problem("adminKey", "must be sk- and random characters, at least 16 in all: an admin key of another form would not be recognised on the data port");
        }

        return KeyHash.Of(key);
    }

    private static string? ReadHash(SectionReader section)
    {
        string? key = section.Text("key");
        string? hash = section.Text("hash");
        if ((key is null) == (hash is null))
        {
            section.Problem("key", "give either key (the key itself) or hash (its SHA-256 in hexadecimal)");
            return null;
        }

        if (key is not null)
        {
            if (IsKey(key))
            {
                return KeyHash.Of(key);
            }

            section.Problem("key", "must be sk- and 5 to 509 more visible ASCII characters");
            return null;
        }

        if (hash!.Length == 64 && hash.All(char.IsAsciiHexDigit))
        {
            return hash.ToLowerInvariant();
        }

        section.Problem("hash", "must be 64 hexadecimal digits: printf %s KEY | sha256sum");
        return null;
    }

    // What the data port takes for a key of ours and not for somebody else's credential.
    public static bool IsKey(string key) => key.Length is >= 8 and <= 512 && key.StartsWith("sk-", StringComparison.Ordinal) && SecretReader.IsHeaderSafe(key);

    private static long? ReadExpiry(SectionReader section)
    {
        string? text = section.Text("expires");
        if (text is null)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time))
        {
            return time.ToUnixTimeMilliseconds();
        }

        section.Problem("expires", "must be a UTC date or time such as 2026-12-31 or 2026-12-31T18:00:00Z");
        return null;
    }
}
