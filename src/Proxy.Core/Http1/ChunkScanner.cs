using System.Runtime.CompilerServices;

namespace Proxy.Core.Http1;

/// <summary>
/// Validates a chunked body as it passes (RFC 9112 §7.1) and says of each run of bytes what it is; holds nothing back and copies nothing.
/// A struct: resumable at any byte, never allocates. <c>default</c> is the start of a body under the default limits.
/// </summary>
public struct ChunkScanner(ChunkLimits limits)
{
    private const int MaxSizeDigits = 16;

    private readonly ChunkLimits? _limits = limits;
    private State _state;
    private long _remaining;
    private int _digits;
    private int _lineLength;
    private int _extensionsLength;
    private int _trailersLength;
    private int _nameLength;
    private NameBuffer _name;

    private enum State : byte
    {
        SizeStart = 0,
        Size,
        ExtensionStart,
        ExtensionName,
        AfterExtensionName,
        ExtensionValueStart,
        ExtensionValue,
        ExtensionQuoted,
        ExtensionQuotedPair,
        ExtensionQuotedEnd,
        AfterExtensionValue,
        SizeLineFeed,
        Data,
        DataCarriageReturn,
        DataLineFeed,
        TrailerStart,
        TrailerName,
        TrailerValue,
        TrailerLineFeed,
        EndLineFeed,
        Done,
        Failed,
    }

    /// <summary>Body bytes seen so far, framing not counted.</summary>
    public long DataLength { get; private set; }

    public ChunkError Error { get; private set; }

    public readonly bool IsComplete => _state == State.Done;

    /// <summary>The chunk of size zero has come: no more data will.</summary>
    public readonly bool IsDataOver =>
        _state is State.TrailerStart or State.TrailerName or State.TrailerValue or State.TrailerLineFeed or State.EndLineFeed or State.Done;

    private readonly ChunkLimits Limits => _limits ?? ChunkLimits.Default;

    /// <summary>Classifies the longest run at the start of <paramref name="input"/> that is one thing.</summary>
    /// <param name="length">How many bytes of the input that run has.</param>
    public ChunkPart Next(ReadOnlySpan<byte> input, out int length)
    {
        length = 0;
        if (_state == State.Failed)
        {
            return ChunkPart.Invalid;
        }

        if (_state == State.Done)
        {
            return ChunkPart.End;
        }

        if (input.IsEmpty)
        {
            return ChunkPart.NeedMore;
        }

        if (_state == State.Data)
        {
            length = (int)Math.Min(_remaining, input.Length);
            _remaining -= length;
            DataLength += length;
            _state = _remaining == 0 ? State.DataCarriageReturn : State.Data;
            return ChunkPart.Data;
        }

        // A run ends where the kind of the next byte differs, where data begins, and where the body ends.
        ChunkPart part = KindOf(input[0]);
        do
        {
            ChunkError error = Step(input[length]);
            if (error != ChunkError.None)
            {
                Error = error;
                _state = State.Failed;
                length = 0;
                return ChunkPart.Invalid;
            }

            length++;
        }
        while (length < input.Length && _state is not (State.Data or State.Done) && KindOf(input[length]) == part);
        return part;
    }

    private readonly ChunkPart KindOf(byte next) => _state switch
    {
        State.Size => next == ';' ? ChunkPart.Discard : ChunkPart.Framing,
        State.ExtensionStart or State.ExtensionName or State.AfterExtensionName or State.ExtensionValueStart or State.ExtensionValue
            or State.ExtensionQuoted or State.ExtensionQuotedPair or State.ExtensionQuotedEnd or State.AfterExtensionValue =>
                next == '\r' ? ChunkPart.Framing : ChunkPart.Discard,
        State.TrailerStart => next == '\r' ? ChunkPart.Framing : ChunkPart.Discard,
        State.TrailerName or State.TrailerValue or State.TrailerLineFeed => ChunkPart.Discard,
        _ => ChunkPart.Framing,
    };

    private ChunkError Step(byte b) => _state switch
    {
        State.SizeStart or State.Size => StepSize(b),
        State.SizeLineFeed => StepSizeLineFeed(b),
        State.DataCarriageReturn => Expect(b, '\r', State.DataLineFeed, ChunkError.DataNotTerminated),
        State.DataLineFeed => EndData(b),
        State.TrailerStart or State.TrailerName or State.TrailerValue or State.TrailerLineFeed => StepTrailer(b),
        State.EndLineFeed => Expect(b, '\n', State.Done, ChunkError.TrailerMalformed),
        _ => StepExtension(b),
    };

    private ChunkError StepSize(byte b)
    {
        int digit = Characters.HexValue(b);
        if (digit >= 0)
        {
            _lineLength++;
            if (++_digits > MaxSizeDigits || _remaining > long.MaxValue >> 4)
            {
                return ChunkError.SizeOverflow;
            }

            _remaining = (_remaining << 4) | (uint)digit;
            _state = State.Size;
            return ChunkError.None;
        }

        if (_state == State.Size && b == '\r')
        {
            _state = State.SizeLineFeed;
            return ChunkError.None;
        }

        // No whitespace before the ";": the grammar has it as bad whitespace, and others read it differently (RFC 9112 §7.1.1).
        if (_state == State.Size && b == ';')
        {
            _state = State.ExtensionStart;
            return CountExtension();
        }

        return ChunkError.SizeMalformed;
    }

    private ChunkError StepSizeLineFeed(byte b)
    {
        bool isLast = _remaining == 0;
        _digits = 0;
        _lineLength = 0;
        return Expect(b, '\n', isLast ? State.TrailerStart : State.Data, ChunkError.SizeMalformed);
    }

    private ChunkError EndData(byte b) => Expect(b, '\n', State.SizeStart, ChunkError.DataNotTerminated);

    /// <summary>chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) (RFC 9112 §7.1.1)</summary>
    private ChunkError StepExtension(byte b)
    {
        bool isBlank = b is (byte)' ' or (byte)'\t';
        bool isToken = Characters.Token.Contains(b);
        State next = _state switch
        {
            State.ExtensionStart when isBlank => State.ExtensionStart,
            State.ExtensionStart or State.ExtensionName when isToken => State.ExtensionName,
            State.ExtensionName or State.AfterExtensionName when b == '=' => State.ExtensionValueStart,
            State.ExtensionName or State.AfterExtensionName when isBlank => State.AfterExtensionName,
            State.ExtensionValueStart when isBlank => State.ExtensionValueStart,
            State.ExtensionValueStart when b == '"' => State.ExtensionQuoted,
            State.ExtensionValueStart or State.ExtensionValue when isToken => State.ExtensionValue,
            State.ExtensionQuoted when b == '"' => State.ExtensionQuotedEnd,
            State.ExtensionQuoted when b == '\\' => State.ExtensionQuotedPair,
            State.ExtensionQuoted or State.ExtensionQuotedPair when !Characters.ForbiddenInValue.Contains(b) => State.ExtensionQuoted,
            State.ExtensionValue or State.ExtensionQuotedEnd or State.AfterExtensionValue when isBlank => State.AfterExtensionValue,
            State.ExtensionName or State.AfterExtensionName or State.ExtensionValue or State.ExtensionQuotedEnd
                or State.AfterExtensionValue when b == ';' =>
                State.ExtensionStart,

            // Blanks may stand before a ";" or "=", not before the end of the line.
            State.ExtensionName or State.ExtensionValue or State.ExtensionQuotedEnd when b == '\r' => State.SizeLineFeed,
            _ => State.Failed,
        };
        if (next == State.Failed)
        {
            return ChunkError.ExtensionMalformed;
        }

        _state = next;
        return next == State.SizeLineFeed ? ChunkError.None : CountExtension();
    }

    private ChunkError CountExtension() =>
        ++_lineLength > Limits.MaxLine ? ChunkError.LineTooLong
        : ++_extensionsLength > Limits.MaxExtensions ? ChunkError.ExtensionsTooLong
        : ChunkError.None;

    private ChunkError StepTrailer(byte b)
    {
        if (_state == State.TrailerStart && b == '\r')
        {
            _state = State.EndLineFeed;
            return ChunkError.None;
        }

        if (++_trailersLength > Limits.MaxTrailers)
        {
            return ChunkError.TrailersTooLong;
        }

        switch (_state)
        {
            case State.TrailerStart:
                _nameLength = 0;
                goto case State.TrailerName;
            case State.TrailerName when b == ':' && _nameLength > 0:
                _state = State.TrailerValue;
                return IsForbidden() ? ChunkError.TrailerForbidden : ChunkError.None;
            case State.TrailerName:
                if (!Characters.Token.Contains(b))
                {
                    return ChunkError.TrailerMalformed;
                }

                if (_nameLength < NameBuffer.Length)
                {
                    _name[_nameLength] = b;
                }

                _nameLength++;
                _state = State.TrailerName;
                return ChunkError.None;
            case State.TrailerValue when b == '\r':
                _state = State.TrailerLineFeed;
                return ChunkError.None;
            case State.TrailerValue:
                return Characters.ForbiddenInValue.Contains(b) ? ChunkError.TrailerMalformed : ChunkError.None;
            default:
                return Expect(b, '\n', State.TrailerStart, ChunkError.TrailerMalformed);
        }
    }

    /// <summary>Framing, routing, authentication and content fields have no place behind the body (RFC 9110 §6.5.1).</summary>
    private readonly bool IsForbidden()
    {
        ReadOnlySpan<byte> name = _name;
        name = name[..Math.Min(_nameLength, NameBuffer.Length)];
        return _nameLength <= NameBuffer.Length
            && (FieldNames.Identify(
                name) is not (FieldId.Other or FieldId.Date or FieldId.RequestId) || FieldNames.AliasOf(name) != FieldId.Other);
    }

    private ChunkError Expect(byte b, char expected, State next, ChunkError error)
    {
        if (b != expected)
        {
            return error;
        }

        _state = next;
        return ChunkError.None;
    }

    [InlineArray(Length)]
    private struct NameBuffer
    {
        public const int Length = 32;

        private byte _first;
    }
}

/// <summary>What a run of bytes in a chunked body is.</summary>
public enum ChunkPart : byte
{
    /// <summary>The input is used up; give more.</summary>
    NeedMore,

    /// <summary>
    /// Framing in canonical form (size digits, CRLF, last chunk, final CRLF): relay as it is, or drop when the body leaves without
    /// chunking.
    /// </summary>
    Framing,

    /// <summary>Chunk extensions and trailers: validated, never relayed.</summary>
    Discard,

    /// <summary>Body bytes.</summary>
    Data,

    /// <summary>The message is over; nothing of the input was taken.</summary>
    End,

    /// <summary>Not in the grammar, or over a limit: <see cref="ChunkScanner.Error"/> says which rule.</summary>
    Invalid,
}

/// <summary>Why a chunked body was refused (http-rules.md rows 42 to 45).</summary>
public enum ChunkError : byte
{
    None = 0,
    SizeMalformed,
    SizeOverflow,
    LineTooLong,
    ExtensionMalformed,
    ExtensionsTooLong,
    DataNotTerminated,
    TrailerMalformed,
    TrailersTooLong,
    TrailerForbidden,
}

/// <summary>
/// Sizes in bytes of what surrounds the data of a chunked body, defaults from http-rules.md §7. Immutable; shared by all connections.
/// </summary>
public sealed record ChunkLimits
{
    public static ChunkLimits Default { get; } = new();

    /// <summary>One chunk line: size and extensions, without CRLF.</summary>
    public int MaxLine { get; init; } = 4 * 1024;

    /// <summary>All chunk extensions of a body together (CVE-2023-39326).</summary>
    public int MaxExtensions { get; init; } = 16 * 1024;

    /// <summary>The trailer section.</summary>
    public int MaxTrailers { get; init; } = 8 * 1024;
}
