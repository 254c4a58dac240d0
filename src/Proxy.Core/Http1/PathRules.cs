using System.Text.Unicode;

namespace Proxy.Core.Http1;

/// <summary>
/// Refuses paths that somebody behind us could read as another path (http-rules.md rows 14, 17, 18). Decodes to a fixed point for the check
/// only: what is forwarded is never normalised.
/// </summary>
internal static class PathRules
{
    private const int MaxDecodings = 8;
    private const int OnStack = 1024;

    public static bool IsSafe(ReadOnlySpan<byte> path)
    {
        if (!path.Contains((byte)'%'))
        {
            return !HasDotSegment(path);
        }

        if (!AreEscapesValid(path))
        {
            return false;
        }

        byte[]? rented = path.Length > OnStack ? System.Buffers.ArrayPool<byte>.Shared.Rent(path.Length) : null;
        Span<byte> decoded = rented ?? stackalloc byte[OnStack];
        path.CopyTo(decoded);
        bool safe = IsSafeDecoded(decoded[..path.Length]);
        if (rented is not null)
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        }

        return safe;
    }

    /// <summary>Decodes in place until nothing changes, or nobody would have encoded so often.</summary>
    public static Span<byte> DecodeFully(Span<byte> path)
    {
        for (int i = 0; i < MaxDecodings; i++)
        {
            int length = Decode(path);
            if (length == path.Length)
            {
                break;
            }

            path = path[..length];
        }

        return path;
    }

    private static bool IsSafeDecoded(Span<byte> path)
    {
        for (int i = 0; i < MaxDecodings; i++)
        {
            int length = Decode(path);
            bool changed = length < path.Length;
            path = path[..length];
            if (path.ContainsAny((byte)0, (byte)'\r', (byte)'\n') || HasDotSegment(path))
            {
                return false;
            }

            if (!changed)
            {
                // Overlong forms, which a lenient decoder takes for "." and "/", are no UTF-8 (RFC 3629 §3).
                return Utf8.IsValid(path);
            }
        }

        // Nobody encodes this often in good faith.
        return false;
    }

    private static bool AreEscapesValid(ReadOnlySpan<byte> path)
    {
        for (int percent = path.IndexOf((byte)'%'); percent >= 0;)
        {
            if (percent + 2 >= path.Length || Characters.HexValue(path[percent + 1]) < 0 || Characters.HexValue(path[percent + 2]) < 0)
            {
                return false;
            }

            int next = path[(percent + 3)..].IndexOf((byte)'%');
            percent = next < 0 ? -1 : percent + 3 + next;
        }

        return true;
    }

    /// <summary>Decodes valid escapes in place.</summary>
    private static int Decode(Span<byte> path)
    {
        int written = 0;
        for (int i = 0; i < path.Length; i++)
        {
            byte b = path[i];
            if (b == '%' && i + 2 < path.Length
                && Characters.HexValue(path[i + 1]) is int high and >= 0 && Characters.HexValue(path[i + 2]) is int low and >= 0)
            {
                b = (byte)((high << 4) | low);
                i += 2;
            }

            path[written++] = b;
        }

        return written;
    }

    /// <summary>
    /// "." or ".." between separators as any server might see them (RFC 3986 §5.2.4), blanks before and behind aside. "?" and "#" are here
    /// only when decoding brought them: whoever decodes before splitting ends the path there.
    /// </summary>
    private static bool HasDotSegment(ReadOnlySpan<byte> path)
    {
        while (true)
        {
            int end = path.IndexOfAny("/\\;?#"u8);
            ReadOnlySpan<byte> segment = (end < 0 ? path : path[..end]).TrimStart(Characters.Ows);
            int blank = segment.IndexOfAny(Characters.Ows);
            segment = blank < 0 ? segment : segment[..blank];
            if (segment.Length is 1 or 2 && segment[0] == '.' && segment[^1] == '.')
            {
                return true;
            }

            if (end < 0)
            {
                return false;
            }

            path = path[(end + 1)..];
        }
    }
}
