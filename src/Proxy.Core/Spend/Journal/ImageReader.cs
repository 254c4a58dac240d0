using System.Buffers.Binary;
using System.Text;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// Reads what <see cref="ImageWriter"/> wrote. Never throws: past the end, or where no value can stand, it reads zeros and <see
/// cref="IsBroken"/> says so.
/// </summary>
internal ref struct ImageReader(ReadOnlySpan<byte> buffer)
{
    private ReadOnlySpan<byte> _rest = buffer;

    public bool IsBroken { get; private set; }

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1) is [byte value] ? value : (byte)0;

    public ushort Short() => Take(sizeof(ushort)) is { Length: > 0 } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    public long Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Byte();
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return (long)value;
            }
        }

        IsBroken = true;
        return 0;
    }

    public Guid Id() => Take(16) is { Length: > 0 } bytes ? new Guid(bytes, bigEndian: true) : default;

    public ReadOnlySpan<byte> Bytes() => Take(Number());

    public string? Text() => Number() is long length and not 0 ? Encoding.UTF8.GetString(Take(length - 1)) : null;

    private ReadOnlySpan<byte> Take(long length)
    {
        if ((ulong)length > (ulong)_rest.Length)
        {
            IsBroken = true;
            _rest = default;
            return default;
        }

        ReadOnlySpan<byte> taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
