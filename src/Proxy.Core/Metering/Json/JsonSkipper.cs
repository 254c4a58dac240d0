using System.Buffers;

namespace Proxy.Core.Metering.Json;

/// <summary>
/// Passes over a value that nobody asked for, with vector searches for strings and brackets alone: what is broken inside is not noticed,
/// and kinds of brackets are not matched up. Resumable at any byte.
/// </summary>
internal struct JsonSkipper
{
    private static readonly SearchValues<byte> Brackets = SearchValues.Create("\"{}[]"u8);

    private Step _step;
    private int _depth;
    private bool _isEscaped;

    private enum Step : byte
    {
        Colon = 0,
        Value,
        Scalar,
        String,
        Nested,
    }

    /// <summary>What comes is the colon behind a key, and its value.</summary>
    public void BeginValue()
    {
        _depth = 0;
        _step = Step.Colon;
    }

    /// <summary>What comes is the rest of an object or array that was just opened.</summary>
    public void BeginContainer()
    {
        _depth = 1;
        _step = Step.Nested;
    }

    /// <summary>Complete behind the value; of a scalar, at the byte that tells that it is over.</summary>
    public JsonProgress Read(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            switch (_step)
            {
                case Step.Scalar:
                    if (data[position] is (byte)',' or (byte)'}' or (byte)']' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                    {
                        return JsonProgress.Complete;
                    }

                    position++;
                    break;

                case Step.String:
                    if (ReadString(data, ref position))
                    {
                        if (_depth == 0)
                        {
                            return JsonProgress.Complete;
                        }

                        _step = Step.Nested;
                    }

                    break;

                case Step.Nested:
                    if (ReadNested(data, ref position))
                    {
                        return JsonProgress.Complete;
                    }

                    break;

                default:
                    if (!ReadStart(data[position], ref position))
                    {
                        return JsonProgress.Invalid;
                    }

                    break;
            }
        }

        return JsonProgress.NeedMore;
    }

    /// <summary>False when what comes cannot be a value.</summary>
    private bool ReadStart(byte next, ref int position)
    {
        switch (next)
        {
            case (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t':
                position++;
                return true;

            case (byte)':' when _step == Step.Colon:
                position++;
                _step = Step.Value;
                return true;

            case var _ when _step == Step.Colon:
                return false;

            case (byte)'"':
                position++;
                _isEscaped = false;
                _step = Step.String;
                return true;

            case (byte)'{' or (byte)'[':
                position++;
                _depth = 1;
                _step = Step.Nested;
                return true;

            case (byte)'-' or (>= (byte)'0' and <= (byte)'9') or (byte)'t' or (byte)'f' or (byte)'n':
                _step = Step.Scalar;
                return true;

            default:
                return false;
        }
    }

    /// <summary>True behind the closing quote.</summary>
    private bool ReadString(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            if (_isEscaped)
            {
                // The four digits of a \u escape hold neither a quote nor a backslash: one byte is enough.
                _isEscaped = false;
                position++;
                continue;
            }

            int found = data[position..].IndexOfAny((byte)'"', (byte)'\\');
            if (found < 0)
            {
                position = data.Length;
                return false;
            }

            position += found + 1;
            if (data[position - 1] == '"')
            {
                return true;
            }

            _isEscaped = true;
        }

        return false;
    }

    /// <summary>True behind the bracket that closes the value; false at a string or at the end of the bytes.</summary>
    private bool ReadNested(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            int found = data[position..].IndexOfAny(Brackets);
            if (found < 0)
            {
                position = data.Length;
                return false;
            }

            position += found + 1;
            switch (data[position - 1])
            {
                case (byte)'"':
                    _isEscaped = false;
                    _step = Step.String;
                    return false;

                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;

                default:
                    if (--_depth == 0)
                    {
                        return true;
                    }

                    break;
            }
        }

        return false;
    }
}
