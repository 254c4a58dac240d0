using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Proxy.Core.Metering;

/// <summary>
/// Looks at the start of an image or document in base64, piece by piece, for what it costs in tokens: an image by its width and height
/// (PNG, JPEG, GIF,
/// WebP), a PDF by its length. Resumable at any byte; decodes no more than it must; never allocates.
/// </summary>
internal struct MediaProbe
{
    /// <summary>The dearest image there is: larger ones are scaled down by the API.</summary>
    public const long LargestImage = 4784;

    /// <summary>A document that the request only points at: some fifteen pages.</summary>
    public const long UnseenDocument = 45_000;

    private const long PixelsPerToken = 750;
    private const long TokensPerPage = 3000;
    private const long LargestDocument = 600 * TokensPerPage;

    // A page of a PDF is some 30 kB, a scanned one more.
    private const long PdfBytesPerToken = 10;

    // Where a camera puts its notes before the size, they are shorter than this.
    private const int LongestLook = 256 * 1024;

    private const int HeaderLength = 30;

    private Header _header;
    private Kind _kind;
    private JpegStep _jpeg;
    private int _decoded;
    private int _jpegLeft;
    private int _bits;
    private int _bitCount;
    private int _width;
    private int _height;
    private bool _isPrefix;
    private bool _isEscaped;
    private bool _isDone;

    private enum Kind : byte
    {
        Unknown = 0,
        Png,
        Jpeg,
        Gif,
        WebP,
        Pdf,
    }

    private enum JpegStep : byte
    {
        Marker = 0,
        Kind,
        LengthHigh,
        LengthLow,
        Skip,
        Frame,
    }

    /// <summary>It begins like nothing that costs by its size: it is text.</summary>
    public readonly bool IsUnknown => _kind == Kind.Unknown;

    public void Begin() => this = default;

    /// <summary>
    /// Characters as they stand in the JSON string: base64, or a <c>data:</c> URL of it. Others, quotes included, are passed over.
    /// </summary>
    public void Feed(ReadOnlySpan<byte> text)
    {
        foreach (byte next in text)
        {
            if (_isDone)
            {
                return;
            }

            if (_isPrefix)
            {
                _isPrefix = next != ',';
                continue;
            }

            if (_isEscaped || next == '\\')
            {
                // Of all escapes only "\/" is one of base64.
                bool wasEscaped = _isEscaped;
                _isEscaped = !wasEscaped;
                if (!wasEscaped || next != '/')
                {
                    continue;
                }
            }

            if (next == ':' && _decoded < 4)
            {
                // "data:image/png;base64,"
                this = new MediaProbe { _isPrefix = true };
                continue;
            }

            int value = ValueOf(next);
            if (value >= 0)
            {
                Take(value);
            }
        }
    }

    /// <param name="length">Characters of base64 in all.</param>
    public long TokensOf(long length)
    {
        if (!_isDone && _decoded < HeaderLength)
        {
            Recognise();
        }

        if (_kind == Kind.Pdf)
        {
            return Math.Clamp(length / 4 * 3 / PdfBytesPerToken, TokensPerPage, LargestDocument);
        }

        long pixels = (long)_width * _height;
        return _width > 0 && _height > 0 ? Math.Clamp((pixels + PixelsPerToken - 1) / PixelsPerToken, 1, LargestImage) : LargestImage;
    }

    private static int ValueOf(byte next) => next switch
    {
        >= (byte)'A' and <= (byte)'Z' => next - 'A',
        >= (byte)'a' and <= (byte)'z' => next - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => next - '0' + 52,
        (byte)'+' or (byte)'-' => 62,
        (byte)'/' or (byte)'_' => 63,
        _ => -1,
    };

    private void Take(int value)
    {
        _bits = ((_bits << 6) | value) & 0xFFFF;
        _bitCount += 6;
        if (_bitCount >= 8)
        {
            _bitCount -= 8;
            Decoded((byte)(_bits >> _bitCount));
        }
    }

    private void Decoded(byte next)
    {
        if (_decoded < HeaderLength)
        {
            _header[_decoded] = next;
        }

        _decoded++;
        if (_kind == Kind.Jpeg)
        {
            WalkJpeg(next);
            _isDone |= _decoded >= LongestLook;
        }
        else if (_decoded == 3 && _header[0] == 0xFF && _header[1] == 0xD8)
        {
            _kind = Kind.Jpeg;
            WalkJpeg(next);
        }
        else if (_decoded == HeaderLength)
        {
            Recognise();
            _isDone = true;
        }
    }

    private void Recognise()
    {
        ReadOnlySpan<byte> header = ((ReadOnlySpan<byte>)_header)[..Math.Min(_decoded, HeaderLength)];
        if (header.Length >= 24 && header[0] == 0x89 && header[1..4].SequenceEqual("PNG"u8))
        {
            _kind = Kind.Png;
            SetSize(BinaryPrimitives.ReadUInt32BigEndian(header[16..]), BinaryPrimitives.ReadUInt32BigEndian(header[20..]));
        }
        else if (header.Length >= 10 && header.StartsWith("GIF8"u8))
        {
            _kind = Kind.Gif;
            SetSize(BinaryPrimitives.ReadUInt16LittleEndian(header[6..]), BinaryPrimitives.ReadUInt16LittleEndian(header[8..]));
        }
        else if (header.Length >= HeaderLength && header.StartsWith("RIFF"u8) && header[8..12].SequenceEqual("WEBP"u8))
        {
            _kind = Kind.WebP;
            SetWebPSize(header);
        }
        else if (header.StartsWith("%PDF"u8))
        {
            _kind = Kind.Pdf;
        }
    }

    private void SetWebPSize(ReadOnlySpan<byte> header)
    {
        switch (header[15])
        {
            case (byte)' ':
                SetSize(
                    BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) & 0x3FFFu,
                    BinaryPrimitives.ReadUInt16LittleEndian(header[28..]) & 0x3FFFu);
                break;
            case (byte)'L':
                uint packed = BinaryPrimitives.ReadUInt32LittleEndian(header[21..]);
                SetSize((packed & 0x3FFF) + 1, ((packed >> 14) & 0x3FFF) + 1);
                break;
            case (byte)'X':
                SetSize(
                    (uint)(header[24] | (header[25] << 8) | (header[26] << 16)) + 1,
                    (uint)(header[27] | (header[28] << 8) | (header[29] << 16)) + 1);
                break;
        }
    }

    /// <summary>From segment to segment until one tells the frame's size.</summary>
    private void WalkJpeg(byte next)
    {
        switch (_jpeg)
        {
            case JpegStep.Marker:
                _isDone = next != 0xFF;
                _jpeg = JpegStep.Kind;
                break;
            case JpegStep.Kind when next == 0xFF:
                break;
            case JpegStep.Kind:
                bool isFrame = next is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
                _width = isFrame ? -1 : 0;
                _isDone = next is 0xD9 or 0xDA;
                _jpeg = next is 0x01 or (>= 0xD0 and <= 0xD8) ? JpegStep.Marker : JpegStep.LengthHigh;
                break;
            case JpegStep.LengthHigh:
                _jpegLeft = next << 8;
                _jpeg = JpegStep.LengthLow;
                break;
            case JpegStep.LengthLow:
                _jpegLeft = (_jpegLeft | next) - 2;
                _jpeg = _width < 0 ? JpegStep.Frame : _jpegLeft > 0 ? JpegStep.Skip : JpegStep.Marker;
                _isDone = _jpegLeft < 0;
                _jpegLeft = _width < 0 ? 0 : _jpegLeft;
                break;
            case JpegStep.Skip:
                _jpeg = --_jpegLeft == 0 ? JpegStep.Marker : JpegStep.Skip;
                break;
            default:
                // Precision, height, width: five bytes.
                _header[_jpegLeft++] = next;
                if (_jpegLeft == 5)
                {
                    _isDone = true;
                    SetSize((uint)((_header[3] << 8) | _header[4]), (uint)((_header[1] << 8) | _header[2]));
                }

                break;
        }
    }

    private void SetSize(uint width, uint height)
    {
        // Larger than any that is taken: both still multiply without overflow.
        _width = (int)Math.Min(width, 1 << 20);
        _height = (int)Math.Min(height, 1 << 20);
    }

    [InlineArray(HeaderLength)]
    private struct Header
    {
        private byte _first;
    }
}
