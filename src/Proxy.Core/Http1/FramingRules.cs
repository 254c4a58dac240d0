using System.Text;

namespace Proxy.Core.Http1;

/// <summary>
/// Content-Length and Transfer-Encoding, one reading for requests and responses (RFC 9112 §6.3, http-rules.md rows 34 to 39 and 50).
/// </summary>
internal static class FramingRules
{
    /// <param name="framing">None, Length or Chunked, as the fields alone say.</param>
    /// <param name="contentLength">-1 without Content-Length.</param>
    public static HeadError Read(FieldTable fields, ReadOnlySpan<byte> head, int version, out BodyFraming framing, out long contentLength)
    {
        framing = BodyFraming.None;
        contentLength = -1;
        int length = fields.Find(FieldId.ContentLength);
        int coding = fields.Find(FieldId.TransferEncoding);
        if (length >= 0 && coding >= 0)
        {
            return HeadError.ContentLengthWithTransferEncoding;
        }

        if (length >= 0)
        {
            if (fields.IsRepeated(FieldId.ContentLength))
            {
                return HeadError.ContentLengthRepeated;
            }

            framing = BodyFraming.Length;
            return TryParseLength(fields[length].Value.Of(head), out contentLength) ? HeadError.None : HeadError.ContentLengthMalformed;
        }

        if (coding < 0)
        {
            return HeadError.None;
        }

        if (version == 10)
        {
            return HeadError.TransferEncodingInOldVersion;
        }

        framing = BodyFraming.Chunked;
        ReadOnlySpan<byte> value = fields[coding].Value.Of(head);
        if (!fields.IsRepeated(FieldId.TransferEncoding) && Ascii.EqualsIgnoreCase(value, "chunked"u8))
        {
            return HeadError.None;
        }

        return NamesUnknownCoding(value) ? HeadError.TransferEncodingUnknown : HeadError.TransferEncodingMalformed;
    }

    /// <summary>1*DIGIT up to 2^63-1: no sign, no list, no space (RFC 9110 §8.6).</summary>
    public static bool TryParseLength(ReadOnlySpan<byte> value, out long length)
    {
        length = 0;
        if (value.IsEmpty || value.ContainsAnyExcept(Characters.Digits))
        {
            return false;
        }

        foreach (byte digit in value)
        {
            if (length > (long.MaxValue - (digit - '0')) / 10)
            {
                return false;
            }

            length = (length * 10) + (digit - '0');
        }

        return true;
    }

    private static bool NamesUnknownCoding(ReadOnlySpan<byte> value)
    {
        while (!value.IsEmpty)
        {
            int comma = value.IndexOf((byte)',');
            ReadOnlySpan<byte> coding = (comma < 0 ? value : value[..comma]).Trim(Characters.Ows);
            value = comma < 0 ? default : value[(comma + 1)..];
            if (Characters.IsToken(coding) && !Ascii.EqualsIgnoreCase(coding, "chunked"u8) && !Ascii.EqualsIgnoreCase(coding, "identity"u8))
            {
                return true;
            }
        }

        return false;
    }
}
