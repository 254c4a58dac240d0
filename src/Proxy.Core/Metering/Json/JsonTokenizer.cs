using System.Diagnostics.CodeAnalysis;

namespace Proxy.Core.Metering.Json;

/// <summary>
/// A resumable JSON tokenizer: any cut of a document into spans gives the same tokens. Holds no reference to its input, allocates nothing,
/// and decodes at most the first <see cref="JsonText.Capacity"/> bytes of a string. Values that nobody asked for are skipped with vector
/// searches; inside those only strings and brackets are looked at, so a document that is broken there is not noticed.
/// </summary>
internal struct JsonTokenizer
{
    // The caller skips what it does not know, so real documents stay far below this.
    private const int MaxDepth = 64;

    private Step _step;
    private byte _depth;
    private ulong _arrays;
    private JsonStringReader _string;
    private JsonNumberReader _number;
    private JsonSkipper _skipper;
    private byte _literal;
    private byte _literalLength;

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
        InSkipped,
        Done,
        Invalid,
    }

    /// <summary>The document's one value is closed.</summary>
    public readonly bool IsComplete => _step == Step.Done;

    public readonly bool IsInvalid => _step == Step.Invalid;

    /// <summary>Between the quotes of a string value that was not skipped.</summary>
    public readonly bool IsInString => _step == Step.InString;

    /// <summary>Bytes of the current or latest string or key, decoded, however many of them are kept.</summary>
    public readonly long TextLength => _string.Length;

    /// <summary>The latest string or key, decoded, cut at the capacity. Valid until the next <see cref="Read"/>.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Text => _string.Text;

    public void Reset()
    {
        _step = Step.Start;
        _depth = 0;
        _arrays = 0;
        _string.Begin();
    }

    /// <summary>
    /// The latest number when it is a whole one from 0 on, however it is written; too large ones are <see cref="long.MaxValue"/>.
    /// </summary>
    /// <param name="count">When it is no count: rounded up to the next, or 0.</param>
    public readonly bool TryGetCount(out long count) => _number.TryGetCount(out count);

    /// <summary>Passes over the value of the key that was just read.</summary>
    public void SkipValue()
    {
        _skipper.BeginValue();
        _step = Step.InSkipped;
    }

    /// <summary>Passes over the rest of the object or array that was just opened; its end is not reported.</summary>
    public void SkipContainer()
    {
        _depth--;
        _skipper.BeginContainer();
        _step = Step.InSkipped;
    }

    /// <summary>The next token from <paramref name="position"/> on, which is moved behind it.</summary>
    public JsonToken Read(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            switch (_step)
            {
                case Step.InKey:
                    JsonProgress key = _string.Read(data, ref position);
                    if (key != JsonProgress.Complete)
                    {
                        return Unfinished(key);
                    }

                    _step = Step.Colon;
                    return JsonToken.Key;

                case Step.InString:
                    JsonProgress text = _string.Read(data, ref position);
                    if (text != JsonProgress.Complete)
                    {
                        return Unfinished(text);
                    }

                    EndValue();
                    return JsonToken.String;

                case Step.InNumber:
                    JsonProgress number = _number.Read(data, ref position);
                    if (number != JsonProgress.Complete)
                    {
                        return Unfinished(number);
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
                    if (_literalLength != LiteralBytes().Length)
                    {
                        continue;
                    }

                    EndValue();
                    return _literal switch { (byte)'t' => JsonToken.True, (byte)'f' => JsonToken.False, _ => JsonToken.Null };

                case Step.InSkipped:
                    JsonProgress skipped = _skipper.Read(data, ref position);
                    if (skipped != JsonProgress.Complete)
                    {
                        return Unfinished(skipped);
                    }

                    EndValue();
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
                _string.Begin();
                _step = Step.InKey;
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
                _string.Begin();
                _step = Step.InString;
                return JsonToken.NeedMore;

            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                _number.Begin();
                _step = Step.InNumber;
                return JsonToken.NeedMore;

            case (byte)'t' or (byte)'f' or (byte)'n':
                position++;
                _literal = next;
                _literalLength = 1;
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

    private bool ReadLiteral(byte next)
    {
        ReadOnlySpan<byte> literal = LiteralBytes();
        return next == literal[_literalLength++];
    }

    private readonly ReadOnlySpan<byte> LiteralBytes() => _literal switch { (byte)'t' => "true"u8, (byte)'f' => "false"u8, _ => "null"u8 };

    private JsonToken Unfinished(JsonProgress progress)
    {
        if (progress == JsonProgress.Invalid)
        {
            _step = Step.Invalid;
            return JsonToken.Invalid;
        }

        return JsonToken.NeedMore;
    }

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

/// <summary>How far a part of a document was read.</summary>
internal enum JsonProgress : byte
{
    /// <summary>All bytes are consumed.</summary>
    NeedMore = 0,
    Complete,
    Invalid,
}
