using System.Text;

namespace Proxy.Core.Spend;

/// <summary>
/// A short text of a <see cref="SpendRecord"/>: its bytes are copied into a buffer that lives as long as the record, cut at the capacity.
/// Never allocates after construction.
/// </summary>
public sealed class TextField(int capacity)
{
    private readonly byte[] _bytes = new byte[capacity];
    private int _length;

    public bool IsEmpty => _length == 0;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public void Set(ReadOnlySpan<byte> value)
    {
        _length = Math.Min(value.Length, _bytes.Length);
        value[.._length].CopyTo(_bytes);
    }

    /// <summary>Appends, cut at the capacity; for values that arrive in pieces.</summary>
    public void Append(ReadOnlySpan<byte> value)
    {
        int count = Math.Min(value.Length, _bytes.Length - _length);
        value[..count].CopyTo(_bytes.AsSpan(_length));
        _length += count;
    }

    public void Clear() => _length = 0;

    /// <summary>For the ledger writer, off the hot path. Bytes that are not UTF-8 become U+FFFD.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Bytes);
}
