using System.Buffers;

namespace Proxy.Core.Http1;

/// <summary>
/// Finds the end of a message head in what has arrived so far and remembers how far it looked, so that a slow sender
/// cannot make it look twice (work stays linear in the bytes received). Resumable at any byte; never allocates.
/// Refuses at the first bad line end (RFC 9112 §2.2) instead of waiting for an end that never comes.
/// </summary>
public struct HeadScanner
{
    private const int MaxEmptyLines = 2;

    private int _scanned;
    private int _lineStart;
    private int _lines;
    private int _emptyLines;
    private byte _last;
    private byte _lastButOne;

    /// <summary>Bytes to skip before the head starts: empty lines that RFC 9112 §2.2 lets a client send before a request.</summary>
    public int LeadingBytes { get; private set; }

    /// <summary>Length of the head from <see cref="LeadingBytes"/> on, final empty line included; valid when complete.</summary>
    public int HeadLength { get; private set; }

    /// <summary>Why the head was refused; valid when malformed.</summary>
    public HeadError Error { get; private set; }

    /// <summary>Looks at <paramref name="buffer"/>, which always starts at the same byte and only grows between calls.</summary>
    public HeadStatus Scan(in ReadOnlySequence<byte> buffer, HeadLimits limits, bool isRequest)
    {
        ArgumentNullException.ThrowIfNull(limits);
        foreach (ReadOnlyMemory<byte> segment in buffer.Slice(_scanned))
        {
            HeadStatus end = ScanSegment(segment.Span, limits, isRequest);
            if (end != HeadStatus.Incomplete)
            {
                return end;
            }
        }

        // Room for the CR that may have come, so that no line is refused that its LF would have let pass.
        return Check(_scanned - _lineStart - 1, limits, isRequest);
    }

    private HeadStatus ScanSegment(ReadOnlySpan<byte> bytes, HeadLimits limits, bool isRequest)
    {
        int offset = 0;
        while (true)
        {
            int found = bytes[offset..].IndexOf((byte)'\n');
            if (found < 0)
            {
                if (bytes.Length > offset)
                {
                    _lastButOne = bytes.Length - offset > 1 ? bytes[^2] : _last;
                    _last = bytes[^1];
                }

                _scanned += bytes.Length - offset;
                return HeadStatus.Incomplete;
            }

            byte before = found > 0 ? bytes[offset + found - 1] : _last;
            byte beforeThat = found > 1 ? bytes[offset + found - 2] : found == 1 ? _last : _lastButOne;
            _scanned += found + 1;
            offset += found + 1;
            _last = (byte)'\n';
            _lastButOne = (byte)'\r';

            // CR CR LF: the end of a head to some, and never one to others, who would wait for it.
            HeadStatus end = before != '\r' ? Refuse(HeadError.BareLineFeed)
                : beforeThat == '\r' ? Refuse(HeadError.BareCarriageReturn)
                : EndLine(limits, isRequest);
            if (end != HeadStatus.Incomplete)
            {
                return end;
            }
        }
    }

    private HeadStatus EndLine(HeadLimits limits, bool isRequest)
    {
        int length = _scanned - _lineStart - 2;
        if (length == 0)
        {
            if (_lines > 0)
            {
                HeadLength = _scanned - LeadingBytes;
                return HeadLength > limits.MaxHead ? Refuse(HeadError.HeadTooLarge) : HeadStatus.Complete;
            }

            if (!isRequest || ++_emptyLines > MaxEmptyLines)
            {
                return Refuse(isRequest ? HeadError.EmptyLinesBeforeRequest : HeadError.StatusLineMalformed);
            }

            LeadingBytes = _scanned;
        }
        else
        {
            HeadStatus end = Check(length, limits, isRequest);
            if (end != HeadStatus.Incomplete)
            {
                return end;
            }

            if (++_lines > limits.MaxFields + 1)
            {
                return Refuse(HeadError.TooManyFields);
            }
        }

        _lineStart = _scanned;
        return HeadStatus.Incomplete;
    }

    private HeadStatus Check(int lineLength, HeadLimits limits, bool isRequest)
    {
        if (_lines == 0)
        {
            if (lineLength > limits.MaxStartLine)
            {
                return Refuse(isRequest ? HeadError.RequestLineTooLong : HeadError.StatusLineMalformed);
            }
        }
        else if (lineLength > limits.MaxFieldLine)
        {
            return Refuse(HeadError.FieldLineTooLong);
        }

        return _scanned - LeadingBytes > limits.MaxHead ? Refuse(HeadError.HeadTooLarge) : HeadStatus.Incomplete;
    }

    private HeadStatus Refuse(HeadError error)
    {
        Error = error;
        return HeadStatus.Malformed;
    }
}

/// <summary>What <see cref="HeadScanner"/> found.</summary>
public enum HeadStatus : byte
{
    Incomplete,
    Complete,
    Malformed,
}

/// <summary>Sizes in bytes, defaults from http-rules.md §7. Immutable; shared by all connections.</summary>
public sealed record HeadLimits
{
    public static HeadLimits Request { get; } = new();

    public static HeadLimits Response { get; } = new() { MaxHead = 64 * 1024, MaxFieldLine = 32 * 1024 };

    /// <summary>Request line or status line, without CRLF.</summary>
    public int MaxStartLine { get; init; } = 8 * 1024;

    /// <summary>One field line, without CRLF.</summary>
    public int MaxFieldLine { get; init; } = 16 * 1024;

    /// <summary>The whole head, start line and final CRLF included.</summary>
    public int MaxHead { get; init; } = 32 * 1024;

    /// <summary>Field lines; at most <see cref="FieldTable.Capacity"/>.</summary>
    public int MaxFields { get; init; } = 100;
}
