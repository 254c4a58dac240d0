using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Proxy.Core.Http1;

/// <summary>Appends to a span and remembers when it was too small. Lives on the stack for one message.</summary>
internal ref struct SpanWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private int _length;
    private bool _overflow;

    /// <summary>Bytes written, or -1 when they did not fit.</summary>
    public readonly int Result => _overflow ? -1 : _length;

    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.TryCopyTo(_destination[_length..]))
        {
            _length += bytes.Length;
        }
        else
        {
            _overflow = true;
        }
    }

    /// <summary>What has been written.</summary>
    public readonly ReadOnlySpan<byte> Written => _destination[.._length];

    public void WriteAscii(string text)
    {
        if (Ascii.FromUtf16(text, _destination[_length..], out int written) == OperationStatus.Done)
        {
            _length += written;
        }
        else
        {
            _overflow = true;
        }
    }

    public void Write(long number)
    {
        if (Utf8Formatter.TryFormat(number, _destination[_length..], out int written))
        {
            _length += written;
        }
        else
        {
            _overflow = true;
        }
    }

    /// <summary>A field line anew from its parsed form: name and value bytes kept, line structure ours (http-rules.md §1.1).</summary>
    public void WriteField(ReadOnlySpan<byte> head, in HeaderField field)
    {
        // Most lines already are what we would write.
        if (field.Value.Offset == field.Name.End + 2 && field.Value.End + 2 == field.Line.End && head[field.Name.End + 1] == ' ')
        {
            Write(field.Line.Of(head));
            return;
        }

        Write(field.Name.Of(head));
        Write(": "u8);
        Write(field.Value.Of(head));
        Write("\r\n"u8);
    }
}
