using System.Buffers.Binary;
using System.Numerics;
using System.Text.Unicode;

namespace Proxy.Core.Spend.Journal;

/// <summary>Writes the parts of an image one after the other: numbers as LEB128, texts as their length and UTF-8.</summary>
internal ref struct ImageWriter(Span<byte> buffer)
{
    /// <summary>Bytes of the longest number.</summary>
    public const int MaxNumberLength = 10;

    private readonly Span<byte> _buffer = buffer;

    public int Position { get; private set; }

    public readonly int Remaining => _buffer.Length - Position;

    public void Byte(byte value) => _buffer[Position++] = value;

    public void Number(long value)
    {
        ulong rest = (ulong)value;
        while (rest >= 0x80)
        {
            _buffer[Position++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        _buffer[Position++] = (byte)rest;
    }

    public void Id(Guid id)
    {
        id.TryWriteBytes(_buffer[Position..], bigEndian: true, out int written);
        Position += written;
    }

    public void Short(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[Position..], value);
        Position += sizeof(ushort);
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        value.CopyTo(_buffer[Position..]);
        Position += value.Length;
    }

    /// <summary>At most so many bytes of a text, cut between characters; null is kept apart from empty.</summary>
    public void Text(string? value, int maxLength)
    {
        if (value is null)
        {
            Number(0);
            return;
        }

        // The length comes first, with as many bytes as the longest text's would need.
        int lengthAt = Position;
        Position += LengthOf(maxLength + 1);
        Utf8.FromUtf16(value, _buffer.Slice(Position, maxLength), out _, out int written);
        PadNumber(_buffer[lengthAt..Position], written + 1);
        Position += written;
    }

    /// <summary>Bytes that <see cref="Number"/> writes.</summary>
    public static int LengthOf(long value) => (BitOperations.Log2((ulong)value | 1) / 7) + 1;

    // LEB128 may be padded: 0x85 0x00 reads as 5.
    private static void PadNumber(Span<byte> destination, int value)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            bool last = i == destination.Length - 1;
            destination[i] = (byte)((value & 0x7f) | (last ? 0 : 0x80));
            value >>= 7;
        }
    }
}
