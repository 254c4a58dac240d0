using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace Proxy.Core.Metering.Json;

/// <summary>
/// Decodes one JSON string from behind its opening quote (RFC 8259 §7), and keeps its first <see cref="JsonText.Capacity"/> bytes.
/// Resumable at any byte.
/// </summary>
internal struct JsonStringReader
{
    private const byte AfterBackslash = 1;

    // 2 to 5: that many minus one hexadecimal digits are still to come.
    private const byte FirstHexDigit = 5;
    private const byte LastHexDigit = 2;

    private JsonText _text;
    private byte _escape;
    private ushort _unit;
    private ushort _highSurrogate;

    /// <summary>Bytes of the string so far, decoded, however many of them are kept.</summary>
    public long Length { get; private set; }

    /// <summary>The start of the string, decoded, cut at the capacity.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Text => ((ReadOnlySpan<byte>)_text)[..(int)Math.Min(Length, JsonText.Capacity)];

    public void Begin()
    {
        Length = 0;
        _escape = 0;
        _highSurrogate = 0;
    }

    /// <summary>Complete behind the closing quote.</summary>
    public JsonProgress Read(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            if (_escape != 0)
            {
                if (!ReadEscape(data[position++]))
                {
                    return JsonProgress.Invalid;
                }

                continue;
            }

            ReadOnlySpan<byte> rest = data[position..];
            int found = rest.IndexOfAny((byte)'"', (byte)'\\');
            int run = found < 0 ? rest.Length : found;
            if (run > 0)
            {
                EndSurrogate();
                Append(rest[..run]);
                position += run;
            }

            if (found < 0)
            {
                return JsonProgress.NeedMore;
            }

            position++;
            if (rest[found] == '"')
            {
                EndSurrogate();
                return JsonProgress.Complete;
            }

            _escape = AfterBackslash;
        }

        return JsonProgress.NeedMore;
    }

    private bool ReadEscape(byte next)
    {
        if (_escape != AfterBackslash)
        {
            return ReadHexDigit(next);
        }

        _escape = 0;
        byte decoded;
        switch (next)
        {
            case (byte)'"' or (byte)'\\' or (byte)'/':
                decoded = next;
                break;
            case (byte)'b':
                decoded = (byte)'\b';
                break;
            case (byte)'f':
                decoded = (byte)'\f';
                break;
            case (byte)'n':
                decoded = (byte)'\n';
                break;
            case (byte)'r':
                decoded = (byte)'\r';
                break;
            case (byte)'t':
                decoded = (byte)'\t';
                break;
            case (byte)'u':
                _escape = FirstHexDigit;
                _unit = 0;
                return true;
            default:
                return false;
        }

        EndSurrogate();
        Append([decoded]);
        return true;
    }

    private bool ReadHexDigit(byte next)
    {
        int digit = next switch
        {
            >= (byte)'0' and <= (byte)'9' => next - '0',
            >= (byte)'a' and <= (byte)'f' => next - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => next - 'A' + 10,
            _ => -1,
        };
        if (digit < 0)
        {
            return false;
        }

        _unit = (ushort)((_unit << 4) | digit);
        if (_escape != LastHexDigit)
        {
            _escape--;
            return true;
        }

        _escape = 0;
        EndUnit();
        return true;
    }

    private void EndUnit()
    {
        if (_highSurrogate != 0 && char.IsLowSurrogate((char)_unit))
        {
            Rune pair = new((char)_highSurrogate, (char)_unit);
            _highSurrogate = 0;
            AppendRune(pair);
            return;
        }

        EndSurrogate();
        if (char.IsHighSurrogate((char)_unit))
        {
            _highSurrogate = _unit;
        }
        else
        {
            AppendRune(char.IsLowSurrogate((char)_unit) ? Rune.ReplacementChar : new Rune((char)_unit));
        }
    }

    /// <summary>A high surrogate whose other half did not follow.</summary>
    private void EndSurrogate()
    {
        if (_highSurrogate != 0)
        {
            _highSurrogate = 0;
            AppendRune(Rune.ReplacementChar);
        }
    }

    private void AppendRune(Rune rune)
    {
        Span<byte> bytes = stackalloc byte[4];
        Append(bytes[..rune.EncodeToUtf8(bytes)]);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (Length < JsonText.Capacity)
        {
            int count = Math.Min(bytes.Length, JsonText.Capacity - (int)Length);
            bytes[..count].CopyTo(((Span<byte>)_text)[(int)Length..]);
        }

        Length += bytes.Length;
    }
}

/// <summary>Room for the start of one decoded JSON string.</summary>
[InlineArray(Capacity)]
internal struct JsonText
{
    /// <summary>As long as the longest text that anyone keeps, a model's name; no key that matters is longer.</summary>
    public const int Capacity = 128;

    private byte _first;
}
