using System.Buffers;
using System.IO.Compression;

namespace Proxy.Core.Metering;

/// <summary>
/// Undoes gzip or br beside the relayed bytes, piece by piece through one fixed buffer: a small body that unpacks to a huge one costs time but no
/// memory. Owned by a <see cref="ResponseMeter"/> and reused; the native state lives from Begin to End.
/// </summary>
internal sealed class BodyDecoder : IDisposable
{
    private const int OutputLength = 16 * 1024;

    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(OutputLength);
    private readonly FeedStream _input = new();
    private GZipStream? _gzip;
    private BrotliDecoder _brotli;
    private bool _isOver;

    /// <summary>What was fed is not in the announced coding; nothing more will come out.</summary>
    public bool IsCorrupt { get; private set; }

    public void BeginGzip()
    {
        End();
        _input.Fill([]);
        _gzip = new GZipStream(_input, CompressionMode.Decompress, leaveOpen: true);
    }

    public void BeginBrotli() => End();

    /// <summary>The next decoded bytes, valid until the next call; <paramref name="input"/> is moved behind what went into them. False: all of it is used up.</summary>
    public bool TryDecode(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> output)
    {
        int written = 0;
        if (!_isOver)
        {
            written = _gzip is { } gzip ? DecodeGzip(gzip, ref input) : DecodeBrotli(ref input);
        }

        output = _output.AsSpan(0, written);
        return written != 0;
    }

    /// <summary>Frees the native state.</summary>
    public void End()
    {
        _gzip?.Dispose();
        _gzip = null;
        _brotli.Dispose();
        _brotli = default;
        _isOver = false;
        IsCorrupt = false;
    }

    public void Dispose()
    {
        End();
        _input.Dispose();
    }

    private int DecodeGzip(GZipStream gzip, ref ReadOnlySpan<byte> input)
    {
        try
        {
            while (true)
            {
                int written = gzip.Read(_output);
                if (written != 0 || input.IsEmpty)
                {
                    return written;
                }

                input = input[_input.Fill(input)..];
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // The relay must go on: the meter only says that it could not read.
            IsCorrupt = true;
            _isOver = true;
            return 0;
        }
    }

    private int DecodeBrotli(ref ReadOnlySpan<byte> input)
    {
        while (true)
        {
            OperationStatus status = _brotli.Decompress(input, _output, out int consumed, out int written);
            input = input[consumed..];
            _isOver = status is OperationStatus.Done or OperationStatus.InvalidData;
            IsCorrupt = status == OperationStatus.InvalidData;
            if (written != 0 || _isOver || status == OperationStatus.NeedMoreData)
            {
                return written;
            }
        }
    }
}

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
