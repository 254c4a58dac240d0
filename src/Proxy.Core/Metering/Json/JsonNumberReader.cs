namespace Proxy.Core.Metering.Json;

/// <summary>
/// Reads one JSON number (RFC 8259 §6) as a count, however it is written: <c>77</c>, <c>77.0</c> and <c>7.7e1</c> are one number. Resumable
/// at any byte, exact up to <see cref="long.MaxValue"/>, where it stays for more.
/// </summary>
internal struct JsonNumberReader
{
    // As many digits as a ulong holds whatever they are.
    private const int MaxDigits = 19;

    // Far beyond what any count needs, and far from overflow.
    private const int MaxExponent = 100_000;

    private ulong _digits;
    private int _digitCount;
    private int _scale;
    private int _exponent;
    private Part _part;
    private bool _isNegative;
    private bool _isExponentNegative;
    private bool _isInexact;
    private bool _isMalformed;
    private bool _hasDigit;

    private enum Part : byte
    {
        Sign = 0,
        Whole,
        Fraction,
        ExponentSign,
        Exponent,
    }

    public void Begin() => this = default;

    /// <summary>Consumes up to the byte behind the number, which tells that it is over: complete there.</summary>
    public JsonProgress Read(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            if (!TryRead(data[position]))
            {
                return JsonProgress.Complete;
            }

            position++;
        }

        return JsonProgress.NeedMore;
    }

    /// <summary>Reads a whole text as a number, as a lenient reader takes it from a string.</summary>
    public static bool TryParseCount(ReadOnlySpan<byte> text, out long count)
    {
        JsonNumberReader reader = default;
        int position = 0;
        bool isOver = reader.Read(text, ref position) == JsonProgress.NeedMore;
        return reader.TryGetCount(out count) & isOver;
    }

    /// <summary>
    /// False for a number that counts nothing: below zero, no whole one, or none at all. <paramref name="count"/> is then 0, or rounded up.
    /// </summary>
    public readonly bool TryGetCount(out long count)
    {
        count = 0;
        if (_isMalformed || !_hasDigit)
        {
            return false;
        }

        if (_digits == 0)
        {
            return !_isInexact;
        }

        if (_isNegative)
        {
            return false;
        }

        ulong value = _digits;
        bool isWhole = !_isInexact;
        int scale = _scale + (_isExponentNegative ? -_exponent : _exponent);
        for (; scale < 0 && value != 0; scale++)
        {
            isWhole &= value % 10 == 0;
            value /= 10;
        }

        for (; scale > 0 && value <= long.MaxValue; scale--)
        {
            value = value > long.MaxValue / 10 ? ulong.MaxValue : value * 10;
        }

        if (value >= long.MaxValue)
        {
            count = long.MaxValue;
            return true;
        }

        count = (long)value + (isWhole ? 0 : 1);
        return isWhole;
    }

    /// <summary>False for a byte that no number has.</summary>
    private bool TryRead(byte next)
    {
        uint digit = (uint)next - '0';
        if (digit <= 9)
        {
            OnDigit(digit);
            return true;
        }

        switch (next)
        {
            case (byte)'-' when _part == Part.Sign:
                _isNegative = true;
                _part = Part.Whole;
                return true;

            case (byte)'-' or (byte)'+' when _part == Part.ExponentSign:
                _isExponentNegative = next == '-';
                _part = Part.Exponent;
                return true;

            case (byte)'.' when _part == Part.Whole && _hasDigit:
                _part = Part.Fraction;
                _hasDigit = false;
                return true;

            case (byte)'e' or (byte)'E' when _part is Part.Whole or Part.Fraction && _hasDigit:
                _part = Part.ExponentSign;
                _hasDigit = false;
                return true;

            case (byte)'-' or (byte)'+' or (byte)'.' or (byte)'e' or (byte)'E':
                _isMalformed = true;
                return true;

            default:
                return false;
        }
    }

    private void OnDigit(uint digit)
    {
        _hasDigit = true;
        switch (_part)
        {
            case Part.Sign or Part.Whole:
                _part = Part.Whole;
                _scale += Append(digit) ? 0 : 1;
                break;

            case Part.Fraction:
                _scale -= Append(digit) ? 1 : 0;
                break;

            default:
                _part = Part.Exponent;
                _exponent = Math.Min((_exponent * 10) + (int)digit, MaxExponent);
                break;
        }
    }

    /// <summary>False when there is no room for the digit.</summary>
    private bool Append(uint digit)
    {
        if (_digitCount == MaxDigits)
        {
            _isInexact |= digit != 0;
            return false;
        }

        // Leading zeros take no room.
        _digits = (_digits * 10) + digit;
        _digitCount += _digits == 0 ? 0 : 1;
        return true;
    }
}
