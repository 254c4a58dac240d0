using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Collects response heads from the upstream in a buffer of its own, rented only when something can be read and given back when the final
/// head was relayed. Owned by the connection's task.
/// </summary>
internal sealed class ResponseHeadReader
{
    private const int FirstSize = 16 * 1024;

    private HeadScanner _scanner;
    private byte[]? _buffer;
    private int _filled;
    private int _start;
    private int _consumed;

    /// <summary>Why a head is malformed.</summary>
    public HeadError Error => _scanner.Error;

    /// <summary>Where the next bytes go.</summary>
    public Memory<byte> GetMemory()
    {
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(FirstSize);
        }
        else if (_filled == _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(0, _filled).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsMemory(_filled);
    }

    public void Advance(int count) => _filled += count;

    /// <summary>The head that was found, until <see cref="Next"/> or <see cref="Release"/>.</summary>
    public ReadOnlySpan<byte> Head => _buffer.AsSpan(_start, _consumed - _start);

    /// <summary>What was read behind it.</summary>
    public Span<byte> Rest => _buffer.AsSpan(_consumed, _filled - _consumed);

    /// <summary>Looks for the end of the next head in what was read.</summary>
    public HeadStatus Find(HeadLimits limits)
    {
        HeadStatus end = _scanner.Scan(new ReadOnlySequence<byte>(_buffer!, 0, _filled), limits, isRequest: false);
        if (end == HeadStatus.Complete)
        {
            _start = _scanner.LeadingBytes;
            _consumed = _start + _scanner.HeadLength;
        }

        return end;
    }

    /// <summary>The head that was found is done with: what follows it comes to the front.</summary>
    public void Next()
    {
        Rest.CopyTo(_buffer);
        _filled -= _consumed;
        Rewind();
    }

    /// <summary>Gives the buffer back, and is ready for another response. Again, it does nothing.</summary>
    public void Release()
    {
        _filled = 0;
        Rewind();
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }
    }

    private void Rewind()
    {
        _scanner = default;
        _start = 0;
        _consumed = 0;
    }
}
