using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Proxy.Core.Metering.Json;

/// <summary>
/// A resumable JSON tokenizer: any cut of a document into spans gives the same tokens. Holds no reference to its input, allocates nothing, and
/// decodes at most the first <see cref="JsonText.Capacity"/> bytes of a string. Values that nobody asked for are skipped with vector searches;
/// inside those only strings and brackets are looked at, so a document that is broken there is not noticed.
/// </summary>
internal partial struct JsonTokenizer
{
    // The caller skips what it does not know, so real documents stay far below this.
    private const int MaxDepth = 64;

    private Step _step;
    private byte _depth;
    private ulong _arrays;
    private long _number;
    private bool _isCount;
    private byte _literal;
    private int _skipDepth;
    private JsonText _text;
    private long _textLength;
    private byte _escape;
    private ushort _unit;
    private ushort _highSurrogate;

    private enum Step : byte
    {
        Start = 0,
        Bom2,
        Bom3,
        Value,
        ValueOrEnd,
        KeyOrEnd,
        Key,
        Colon,
        CommaOrEnd,
        InKey,
        InString,
        InNumber,
        InLiteral,
        SkipValue,
        SkipScalar,
        SkipString,
        SkipNested,
        Done,
        Invalid,
    }

    /// <summary>The document's one value is closed.</summary>
    public readonly bool IsComplete => _step == Step.Done;

    public readonly bool IsInvalid => _step == Step.Invalid;

    /// <summary>Between the quotes of a string value that was not skipped.</summary>
    public readonly bool IsInString => _step == Step.InString;

    /// <summary>Bytes of the current or latest string or key, decoded, however many of them are kept.</summary>
    public readonly long TextLength => _textLength;

    /// <summary>The latest string or key, decoded, or number as it stood there, cut at the capacity. Valid until the next <see cref="Read"/>.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Text => ((ReadOnlySpan<byte>)_text)[..(int)Math.Min(_textLength, JsonText.Capacity)];

    public void Reset()
    {
        _step = Step.Start;
        _depth = 0;
        _arrays = 0;
        _skipDepth = 0;
        _textLength = 0;
        _escape = 0;
        _highSurrogate = 0;
    }

    /// <summary>The latest number when it is a non-negative integer; too large ones are <see cref="long.MaxValue"/>.</summary>
    public readonly bool TryGetCount(out long count)
    {
        count = _number;
        return _isCount;
    }

    /// <summary>The next token from <paramref name="position"/> on, which is moved behind it.</summary>
    public JsonToken Read(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            switch (_step)
            {
                case Step.InKey:
                    if (!ReadString(data, ref position))
                    {
                        return Unfinished();
                    }

                    _step = Step.Colon;
                    return JsonToken.Key;

                case Step.InString:
                    if (!ReadString(data, ref position))
                    {
                        return Unfinished();
                    }

                    EndValue();
                    return JsonToken.String;

                case Step.InNumber:
                    if (!ReadNumber(data, ref position))
                    {
                        return JsonToken.NeedMore;
                    }

                    EndValue();
                    return JsonToken.Number;

                case Step.InLiteral:
                    if (!ReadLiteral(data[position]))
                    {
                        _step = Step.Invalid;
                        return JsonToken.Invalid;
                    }

                    position++;
                    if (_textLength != LiteralBytes().Length)
                    {
                        continue;
                    }

                    EndValue();
                    return _literal switch { (byte)'t' => JsonToken.True, (byte)'f' => JsonToken.False, _ => JsonToken.Null };

                case Step.SkipValue or Step.SkipScalar or Step.SkipString or Step.SkipNested:
                    if (!Skip(data, ref position))
                    {
                        return Unfinished();
                    }

                    continue;

                case Step.Invalid:
                    return JsonToken.Invalid;

                default:
                    byte next = data[position];
                    if (next is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' && _step is not (Step.Bom2 or Step.Bom3))
                    {
                        position++;
                        continue;
                    }

                    JsonToken token = ReadStructure(next, ref position);
                    if (token != JsonToken.NeedMore)
                    {
                        return token;
                    }

                    continue;
            }
        }

        return JsonToken.NeedMore;
    }

    /// <summary>One structural byte, or the first of a value (of a number nothing is consumed). NeedMore: no token yet, go on.</summary>
    private JsonToken ReadStructure(byte next, ref int position)
    {
        switch (_step)
        {
            case Step.Start when next == 0xEF:
                return Expect(next, 0xEF, Step.Bom2, ref position);
            case Step.Bom2:
                return Expect(next, 0xBB, Step.Bom3, ref position);
            case Step.Bom3:
                return Expect(next, 0xBF, Step.Value, ref position);
            case Step.Colon:
                return Expect(next, (byte)':', Step.Value, ref position);

            case Step.Key or Step.KeyOrEnd when next == '"':
                position++;
                BeginText(Step.InKey);
                return JsonToken.NeedMore;

            case Step.KeyOrEnd or Step.CommaOrEnd when next == '}' && !InArray():
                position++;
                Close();
                return JsonToken.EndObject;

            case Step.ValueOrEnd or Step.CommaOrEnd when next == ']' && InArray():
                position++;
                Close();
                return JsonToken.EndArray;

            case Step.CommaOrEnd when next == ',':
                position++;
                _step = InArray() ? Step.Value : Step.Key;
                return JsonToken.NeedMore;

            case Step.Start or Step.Value or Step.ValueOrEnd:
                return BeginValue(next, ref position);

            default:
                _step = Step.Invalid;
                return JsonToken.Invalid;
        }
    }

    private JsonToken BeginValue(byte next, ref int position)
    {
        switch (next)
        {
            case (byte)'{' when _depth < MaxDepth:
                position++;
                Open(isArray: false);
                return JsonToken.StartObject;

            case (byte)'[' when _depth < MaxDepth:
                position++;
                Open(isArray: true);
                return JsonToken.StartArray;

            case (byte)'"':
                position++;
                BeginText(Step.InString);
                return JsonToken.NeedMore;

            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                _number = 0;
                _isCount = true;
                _textLength = 0;
                _step = Step.InNumber;
                return JsonToken.NeedMore;

            case (byte)'t' or (byte)'f' or (byte)'n':
                position++;
                _literal = next;
                _textLength = 1;
                _step = Step.InLiteral;
                return JsonToken.NeedMore;

            default:
                _step = Step.Invalid;
                return JsonToken.Invalid;
        }
    }

    private JsonToken Expect(byte next, byte expected, Step then, ref int position)
    {
        if (next != expected)
        {
            _step = Step.Invalid;
            return JsonToken.Invalid;
        }

        position++;
        _step = then;
        return JsonToken.NeedMore;
    }

    /// <summary>Consumes up to the byte behind the number, which tells that it is over. Anything but digits makes it no count; its form is not checked further.</summary>
    private bool ReadNumber(ReadOnlySpan<byte> data, ref int position)
    {
        int start = position;
        bool isOver = PassNumber(data, ref position);
        Append(data[start..position]);
        return isOver;
    }

    private bool PassNumber(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            byte next = data[position];
            uint digit = (uint)next - '0';
            if (digit <= 9)
            {
                // Once saturated it stays so: every further digit overflows again.
                _number = _number > (long.MaxValue - digit) / 10 ? long.MaxValue : (_number * 10) + digit;
            }
            else if (next is (byte)'-' or (byte)'+' or (byte)'.' or (byte)'e' or (byte)'E')
            {
                _isCount = false;
            }
            else
            {
                return true;
            }

            position++;
        }

        return false;
    }

    private bool ReadLiteral(byte next)
    {
        ReadOnlySpan<byte> literal = LiteralBytes();
        return next == literal[(int)_textLength++];
    }

    private readonly ReadOnlySpan<byte> LiteralBytes() => _literal switch { (byte)'t' => "true"u8, (byte)'f' => "false"u8, _ => "null"u8 };

    private readonly JsonToken Unfinished() => _step == Step.Invalid ? JsonToken.Invalid : JsonToken.NeedMore;

    private readonly bool InArray() => _depth != 0 && (_arrays & (1UL << (_depth - 1))) != 0;

    private void Open(bool isArray)
    {
        ulong bit = 1UL << _depth++;
        _arrays = isArray ? _arrays | bit : _arrays & ~bit;
        _step = isArray ? Step.ValueOrEnd : Step.KeyOrEnd;
    }

    private void Close()
    {
        _depth--;
        EndValue();
    }

    private void EndValue() => _step = _depth == 0 ? Step.Done : Step.CommaOrEnd;
}

/// <summary>What <see cref="JsonTokenizer.Read"/> found.</summary>
internal enum JsonToken : byte
{
    /// <summary>All bytes are consumed; call again with the next ones.</summary>
    NeedMore = 0,

    /// <summary>Not JSON. Nothing more will come.</summary>
    Invalid,
    StartObject,
    EndObject,
    StartArray,
    EndArray,

    /// <summary>A key; decoded in <see cref="JsonTokenizer.Text"/>.</summary>
    Key,

    /// <summary>A string value; decoded in <see cref="JsonTokenizer.Text"/>.</summary>
    String,

    /// <summary>A number; in <see cref="JsonTokenizer.TryGetCount"/> when it is a count.</summary>
    Number,

    True,
    False,
    Null,
}

/// <summary>Room for the start of one decoded JSON string.</summary>
[InlineArray(Capacity)]
internal struct JsonText
{
    /// <summary>As long as the longest text that anyone keeps, a model's name; no key that matters is longer.</summary>
    public const int Capacity = 128;

    private byte _first;
}
