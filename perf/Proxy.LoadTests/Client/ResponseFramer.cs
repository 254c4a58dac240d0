using System.Buffers.Text;
using System.Text;

namespace Proxy.LoadTests.Client;

/// <summary>
/// Finds the end of each response, by Content-Length or at the last chunk, wherever reads cut it. Keeps no body. What it does not expect of a
/// well-behaved server (a body until the connection closes, a bare LF) is Broken.
/// </summary>
internal struct ResponseFramer
{
    private const int MaxHeadLength = 64 * 1024;

    // Only for a head that came in pieces; owned by this framer for the life of its connection.
    private byte[]? _pieces;
    private int _piecesLength;
    private long _left;
    private int _sizeDigits;
    private bool _isInterim;

    public FramerState State { get; private set; }

    public int Status { get; private set; }

    /// <summary>Bytes of content, chunk lines not counted.</summary>
    public long BodyBytes { get; private set; }

    /// <summary>The server will close the connection after this response.</summary>
    public bool Closes { get; private set; }

    public readonly bool IsEnded => State is FramerState.Complete or FramerState.Broken;

    public void Reset()
    {
        State = FramerState.Head;
        Status = 0;
        BodyBytes = 0;
        Closes = false;
        _piecesLength = 0;
    }

    /// <summary>Takes bytes up to the end of the response at most.</summary>
    /// <returns>How many were taken.</returns>
    public int Feed(ReadOnlySpan<byte> data)
    {
        int taken = 0;
        while (taken < data.Length && !IsEnded)
        {
            taken += Step(data[taken..]);
        }

        return taken;
    }

    private int Step(ReadOnlySpan<byte> data)
    {
        byte first = data[0];
        switch (State)
        {
            case FramerState.Head:
                return TakeHead(data);
            case FramerState.Length:
                int length = TakeContent(data);
                State = _left == 0 ? FramerState.Complete : State;
                return length;
            case FramerState.ChunkSize:
                return TakeSize(first);
            case FramerState.ChunkExtension:
                State = first == '\r' ? FramerState.ChunkSizeEnd : State;
                return 1;
            case FramerState.ChunkSizeEnd:
                return Expect(first, '\n', _left == 0 ? FramerState.TrailerStart : FramerState.ChunkData);
            case FramerState.ChunkData:
                int chunk = TakeContent(data);
                State = _left == 0 ? FramerState.ChunkDataReturn : State;
                return chunk;
            case FramerState.ChunkDataReturn:
                return Expect(first, '\r', FramerState.ChunkDataEnd);
            case FramerState.ChunkDataEnd:
                _sizeDigits = 0;
                return Expect(first, '\n', FramerState.ChunkSize);
            case FramerState.TrailerStart:
                State = first == '\r' ? FramerState.BodyEnd : FramerState.Trailer;
                return 1;
            case FramerState.Trailer:
                State = first == '\r' ? FramerState.TrailerEnd : State;
                return 1;
            case FramerState.TrailerEnd:
                return Expect(first, '\n', FramerState.TrailerStart);
            case FramerState.BodyEnd:
                return Expect(first, '\n', FramerState.Complete);
            default:
                return 0;
        }
    }

    private int Expect(byte actual, char expected, FramerState next)
    {
        State = actual == expected ? next : FramerState.Broken;
        return 1;
    }

    private int TakeContent(ReadOnlySpan<byte> data)
    {
        int length = (int)Math.Min(_left, data.Length);
        _left -= length;
        BodyBytes += length;
        return length;
    }

    private int TakeSize(byte next)
    {
        int digit = next switch
        {
            >= (byte)'0' and <= (byte)'9' => next - '0',
            >= (byte)'a' and <= (byte)'f' => next - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => next - 'A' + 10,
            _ => -1,
        };
        if (digit >= 0 && _sizeDigits < 15)
        {
            _left = (_sizeDigits++ == 0 ? 0 : _left << 4) + digit;
            return 1;
        }

        State = _sizeDigits == 0 ? FramerState.Broken
            : next == '\r' ? FramerState.ChunkSizeEnd
            : next == ';' ? FramerState.ChunkExtension
            : FramerState.Broken;
        return 1;
    }

    private int TakeHead(ReadOnlySpan<byte> data)
    {
        if (_piecesLength == 0)
        {
            int end = data.IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                ReadHead(data[..end]);
                return end + 4;
            }
        }

        _pieces ??= new byte[MaxHeadLength];
        if (_piecesLength + data.Length > MaxHeadLength)
        {
            data = data[..(MaxHeadLength - _piecesLength)];
        }

        int before = _piecesLength;
        data.CopyTo(_pieces.AsSpan(before));
        _piecesLength += data.Length;
        int from = Math.Max(0, before - 3);
        int found = _pieces.AsSpan(from, _piecesLength - from).IndexOf("\r\n\r\n"u8);
        if (found < 0)
        {
            State = _piecesLength == MaxHeadLength ? FramerState.Broken : State;
            return data.Length;
        }

        int headLength = from + found;
        _piecesLength = 0;
        ReadHead(_pieces.AsSpan(0, headLength));
        return headLength + 4 - before;
    }

    private void ReadHead(ReadOnlySpan<byte> head)
    {
        const int StatusOffset = 9;
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head[StatusOffset..], out int status, out int digits) || digits != 3)
        {
            State = FramerState.Broken;
            return;
        }

        Status = status;
        _isInterim = status is >= 100 and < 200;
        long contentLength = -1;
        bool isChunked = false;
        int lineEnd;
        while ((lineEnd = head.IndexOf("\r\n"u8)) >= 0)
        {
            head = head[(lineEnd + 2)..];
            // The lengths of the names make most fields fall through on one comparison.
            if (Is(head, "content-length:"u8, out ReadOnlySpan<byte> value))
            {
                if (!Utf8Parser.TryParse(value, out contentLength, out int used) || used != value.Length)
                {
                    State = FramerState.Broken;
                    return;
                }
            }
            else if (Is(head, "transfer-encoding:"u8, out value))
            {
                isChunked = Ascii.EqualsIgnoreCase(value, "chunked"u8);
            }
            else if (Is(head, "connection:"u8, out value))
            {
                Closes = Ascii.EqualsIgnoreCase(value, "close"u8);
            }
        }

        Begin(contentLength, isChunked);
    }

    private void Begin(long contentLength, bool isChunked)
    {
        if (_isInterim)
        {
            // The final response is still to come (RFC 9110 §15.2).
            State = FramerState.Head;
            return;
        }

        _sizeDigits = 0;
        _left = contentLength;
        State = Status is 204 or 304 ? FramerState.Complete
            : isChunked ? FramerState.ChunkSize
            : contentLength == 0 ? FramerState.Complete
            : contentLength > 0 ? FramerState.Length
            : FramerState.Broken;
    }

    private static bool Is(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (line.Length < name.Length || (line[0] | 0x20) != name[0] || line[name.Length - 1] != ':' || !Ascii.EqualsIgnoreCase(line[..name.Length], name))
        {
            return false;
        }

        int end = line.IndexOf("\r\n"u8);
        value = line[name.Length..(end < 0 ? line.Length : end)].Trim(" \t"u8);
        return true;
    }
}
