using System.Runtime.CompilerServices;
using Proxy.Core.Http1;

namespace Proxy.Core.Metering;

/// <summary>
/// Tells from the first bytes of a body, and from what its Content-Encoding claims, how it is coded: what the bytes say counts, because a
/// coding that is not labelled, or labelled wrongly, must not hide what an answer costs. Resumable at any byte.
/// </summary>
internal struct CodingProbe
{
    // Zstandard has the longest magic number.
    private const int Capacity = 4;

    private Start _start;
    private int _length;
    private BodyCoding _label;

    /// <summary>Bytes that were taken before all was clear.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Taken => ((ReadOnlySpan<byte>)_start)[.._length];

    /// <param name="contentEncoding">The value of Content-Encoding, empty when there is none.</param>
    public void Begin(ReadOnlySpan<byte> contentEncoding)
    {
        _length = 0;
        _label = !ContentCodingNames.TryFind(contentEncoding, out ContentCodings coding) ? BodyCoding.Unknown : coding switch
        {
            ContentCodings.Gzip => BodyCoding.Gzip,
            ContentCodings.Brotli => BodyCoding.Brotli,
            ContentCodings.Deflate => BodyCoding.Deflate,
            ContentCodings.Zstandard => BodyCoding.Zstandard,
            _ => BodyCoding.Identity,
        };
    }

    /// <summary>Looks at the next bytes; those it takes are in <see cref="Taken"/>. False: more are needed.</summary>
    /// <param name="isIrregular">It is not what its label says.</param>
    public bool TryDecide(ref ReadOnlySpan<byte> data, out BodyCoding coding, out bool isIrregular)
    {
        coding = _label;
        isIrregular = false;
        if (_label == BodyCoding.Brotli)
        {
            // It has no magic number.
            return true;
        }

        // Almost every body: nothing that begins like this is coded.
        if (_length == 0 && _label == BodyCoding.Identity && !data.IsEmpty && data[0] is not (0x1F or 0x28 or 0x78))
        {
            return true;
        }

        while (!data.IsEmpty && _length < Capacity)
        {
            _start[_length++] = data[0];
            data = data[1..];
            if (TryRecognise(out BodyCoding found))
            {
                isIrregular = found != _label && !(_label == BodyCoding.Deflate && found == BodyCoding.Zlib);
                coding = found;
                return true;
            }
        }

        return false;
    }

    /// <summary>The body is over before all was clear: it is too short to be coded.</summary>
    public readonly bool IsUndecided => _length != 0;

    private bool TryRecognise(out BodyCoding coding)
    {
        ReadOnlySpan<byte> start = Taken;
        ReadOnlySpan<byte> gzip = [0x1F, 0x8B];
        ReadOnlySpan<byte> zstandard = [0x28, 0xB5, 0x2F, 0xFD];
        coding = BodyCoding.Gzip;
        if (gzip.StartsWith(start[..Math.Min(start.Length, gzip.Length)]))
        {
            return start.Length >= gzip.Length;
        }

        coding = BodyCoding.Zstandard;
        if (zstandard.StartsWith(start))
        {
            return start.Length == zstandard.Length;
        }

        // RFC 1950 §2.2: method 8, a window of at most 32 kB, and a check over both bytes. Not labelled, only the usual first byte is
        // believed.
        coding = BodyCoding.Zlib;
        bool mayBeZlib = _label == BodyCoding.Deflate ? (start[0] & 0x8F) == 8 : start[0] == 0x78;
        if (mayBeZlib && (start.Length < 2 || ((start[0] << 8) | start[1]) % 31 == 0))
        {
            return start.Length >= 2;
        }

        coding = _label;
        if (_label is not (BodyCoding.Identity or BodyCoding.Deflate) && IsText(start[0]))
        {
            coding = BodyCoding.Identity;
        }

        return true;
    }

    /// <summary>How JSON and event streams begin: a bracket, a field name, a comment, white space, or a byte order mark.</summary>
    private static bool IsText(byte first) =>
        first is (byte)'{' or (byte)'[' or (byte)':' or (byte)' ' or (byte)'\r' or (byte)'\n' or (byte)'\t' or 0xEF
            or (>= (byte)'a' and <= (byte)'z');

    [InlineArray(Capacity)]
    private struct Start
    {
        private byte _first;
    }
}

/// <summary>How a body is coded.</summary>
internal enum BodyCoding : byte
{
    Identity = 0,
    Gzip,

    /// <summary>Bare deflate.</summary>
    Deflate,

    /// <summary>Deflate in the zlib format.</summary>
    Zlib,
    Brotli,
    Zstandard,

    /// <summary>None that can be read here.</summary>
    Unknown,
}
