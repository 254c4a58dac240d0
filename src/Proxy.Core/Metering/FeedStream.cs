namespace Proxy.Core.Metering;

/// <summary>
/// The inner stream of a decoder that is fed piece by piece: a read returns what there is and 0 when there is nothing yet. DeflateStream takes that
/// 0 for "no more now" and reads again on the next call (its strict validation, an AppContext switch, must stay off); a test pins it.
/// </summary>
internal sealed class FeedStream : Stream
{
    private const int Capacity = 16 * 1024;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Capacity);
    private int _start;
    private int _end;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Replaces the content, which must have been read, by as much as fits.</summary>
    /// <returns>How many bytes were taken.</returns>
    public int Fill(ReadOnlySpan<byte> data)
    {
        _start = 0;
        _end = Math.Min(data.Length, Capacity);
        data[.._end].CopyTo(_buffer);
        return _end;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
