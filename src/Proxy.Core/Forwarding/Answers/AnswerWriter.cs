using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Proxy.Core.Forwarding.Answers;

/// <summary>Appends to a span that is known to be large enough.</summary>
internal ref struct AnswerWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;

    public int Length { get; private set; }

    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_destination[Length..]);
        Length += bytes.Length;
    }

    public void WriteAscii(string text) => Length += Encoding.ASCII.GetBytes(text, _destination[Length..]);

    public void WriteNumber(int value)
    {
        _ = Utf8Formatter.TryFormat(value, _destination[Length..], out int written);
        Length += written;
    }

    public void WriteMinute(DateTime time)
    {
        _ = time.TryFormat(_destination[Length..], out int written, "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        Length += written;
    }

    public void EndHead() => Write("\r\n"u8);
}
