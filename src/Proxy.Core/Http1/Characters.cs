using System.Buffers;

namespace Proxy.Core.Http1;

/// <summary>Character classes of RFC 9110 §5.6 and RFC 3986.</summary>
internal static class Characters
{
    /// <summary>tchar (RFC 9110 §5.6.2).</summary>
    public static readonly SearchValues<byte> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>What a field value may not contain: controls other than HTAB (RFC 9110 §5.5).</summary>
    public static readonly SearchValues<byte> ForbiddenInValue = SearchValues.Create(Controls(exceptTab: true));

    /// <summary>What a request target may not contain (http-rules.md row 11): controls, space, DEL, "\", "#", bytes over 0x7f.</summary>
    public static readonly SearchValues<byte> ForbiddenInTarget = SearchValues.Create(
        [.. Controls(exceptTab: false), (byte)' ', (byte)'\\', (byte)'#', .. High()]);

    /// <summary>What a host may consist of; stricter than reg-name, which also allows sub-delims and escapes.</summary>
    public static readonly SearchValues<byte> Host = SearchValues.Create(
        "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    public static readonly SearchValues<byte> AddressLiteral = SearchValues.Create(":.0123456789ABCDEFabcdef"u8);

    public static readonly SearchValues<byte> Digits = SearchValues.Create("0123456789"u8);

    /// <summary>Optional whitespace (RFC 9110 §5.6.3).</summary>
    public static ReadOnlySpan<byte> Ows => " \t"u8;

    public static bool IsToken(ReadOnlySpan<byte> value) => !value.IsEmpty && !value.ContainsAnyExcept(Token);

    public static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };

    private static byte[] Controls(bool exceptTab)
    {
        List<byte> controls = [0x7f];
        for (byte b = 0; b < 0x20; b++)
        {
            if (b != '\t' || !exceptTab)
            {
                controls.Add(b);
            }
        }

        return [.. controls];
    }

    private static byte[] High()
    {
        byte[] high = new byte[128];
        for (int i = 0; i < high.Length; i++)
        {
            high[i] = (byte)(0x80 + i);
        }

        return high;
    }
}
