using System.Text;

namespace Proxy.Core.Http1;

/// <summary>A set of content codings (RFC 9110 §8.4.1).</summary>
[Flags]
public enum ContentCodings : byte
{
    Identity = 0,
    Gzip = 1,
    Brotli = 2,

    /// <summary>The zlib format (RFC 9110 §8.4.1.2), and bare deflate from those who took the name at its word.</summary>
    Deflate = 4,

    /// <summary>RFC 8878.</summary>
    Zstandard = 8,
}

/// <summary>The names of content codings.</summary>
internal static class ContentCodingNames
{
    /// <summary>
    /// False for a name that is not known here; case does not matter. Nothing at all is <see cref="ContentCodings.Identity"/>.
    /// </summary>
    public static bool TryFind(ReadOnlySpan<byte> name, out ContentCodings coding)
    {
        ReadOnlySpan<byte> expected;
        switch (name.Length)
        {
            case 0:
                expected = default;
                coding = ContentCodings.Identity;
                break;
            case 2:
                expected = "br"u8;
                coding = ContentCodings.Brotli;
                break;
            case 4 when (name[0] | 0x20) == 'z':
                expected = "zstd"u8;
                coding = ContentCodings.Zstandard;
                break;
            case 4:
                expected = "gzip"u8;
                coding = ContentCodings.Gzip;
                break;
            case 6:
                expected = "x-gzip"u8;
                coding = ContentCodings.Gzip;
                break;
            case 7:
                expected = "deflate"u8;
                coding = ContentCodings.Deflate;
                break;
            default:
                expected = "identity"u8;
                coding = ContentCodings.Identity;
                break;
        }

        return Ascii.EqualsIgnoreCase(name, expected);
    }
}
