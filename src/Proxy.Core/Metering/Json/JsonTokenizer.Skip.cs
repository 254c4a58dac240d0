using System.Buffers;

namespace Proxy.Core.Metering.Json;

/// <summary>Skipping values nobody asked for.</summary>
internal partial struct JsonTokenizer
{
    private static readonly SearchValues<byte> Brackets = SearchValues.Create("\"{}[]"u8);

    /// <summary>Passes over the value of the key that was just read.</summary>
    public void SkipValue()
    {
        // The colon is still to come; Skip expects it first.
        _skipDepth = -1;
        _step = Step.SkipValue;
    }

    /// <summary>Passes over the rest of the object or array that was just opened; its end is not reported.</summary>
    public void SkipContainer()
    {
        _depth--;
        _skipDepth = 1;
        _step = Step.SkipNested;
    }

    /// <summary>True at the end of the skipped value.</summary>
    private bool Skip(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            switch (_step)
            {
                case Step.SkipValue:
                    if (!BeginSkip(data[position], ref position))
                    {
                        return false;
                    }

                    break;

                case Step.SkipScalar:
                    byte next = data[position];
                    if (next is (byte)',' or (byte)'}' or (byte)']' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                    {
                        EndValue();
                        return true;
                    }

                    position++;
                    break;

                case Step.SkipString:
                    if (SkipString(data, ref position))
                    {
                        if (_skipDepth == 0)
                        {
                            EndValue();
                            return true;
                        }

                        _step = Step.SkipNested;
                    }

                    break;

                default:
                    if (SkipNested(data, ref position))
                    {
                        EndValue();
                        return true;
                    }

                    break;
            }
        }

        return false;
    }

    /// <summary>False when what comes cannot be a value.</summary>
    private bool BeginSkip(byte next, ref int position)
    {
        if (next is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            position++;
            return true;
        }

        if (_skipDepth < 0)
        {
            if (next != ':')
            {
                _step = Step.Invalid;
                return false;
            }

            position++;
            _skipDepth = 0;
            return true;
        }

        switch (next)
        {
            case (byte)'"':
                position++;
                _escape = 0;
                _step = Step.SkipString;
                return true;

            case (byte)'{' or (byte)'[':
                position++;
                _skipDepth = 1;
                _step = Step.SkipNested;
                return true;

            case (byte)'-' or (>= (byte)'0' and <= (byte)'9') or (byte)'t' or (byte)'f' or (byte)'n':
                _step = Step.SkipScalar;
                return true;

            default:
                _step = Step.Invalid;
                return false;
        }
    }

    /// <summary>True behind the closing quote.</summary>
    private bool SkipString(ReadOnlySpan<byte> data, ref int position)
    {
        while (position < data.Length)
        {
            if (_escape != 0)
            {
                // The four digits of a \u escape hold neither a quote nor a backslash: one byte is enough.
                _escape = 0;
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

            _escape = 1;
        }

        return false;
    }

    /// <summary>True behind the bracket that closes the skipped value; false at a string or at the end of the bytes. Kinds of brackets are not matched up.</summary>
    private bool SkipNested(ReadOnlySpan<byte> data, ref int position)
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
                    _escape = 0;
                    _step = Step.SkipString;
                    return false;

                case (byte)'{' or (byte)'[':
                    _skipDepth++;
                    break;

                default:
                    if (--_skipDepth == 0)
                    {
                        return true;
                    }

                    break;
            }
        }

        return false;
    }
}
