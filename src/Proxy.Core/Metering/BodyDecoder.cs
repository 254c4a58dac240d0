using System.Buffers;
using System.IO.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Proxy.Core.Metering;

/// <summary>
/// Undoes a content coding beside the relayed bytes, piece by piece through one fixed buffer: a small body that unpacks to a huge one costs
/// no memory, and time only up to a limit. Owned by a <see cref="ResponseMeter"/> and reused; the native state lives from Begin to End.
/// </summary>
internal sealed class BodyDecoder : IDisposable
{
    private const int OutputLength = 16 * 1024;

    // Text shrinks to a tenth, deltas of a stream to a thirtieth. What grows by more than this, and beyond the limit, is made to do so.
    private const int LargestRatio = 100;

    // RFC 9659: no larger window in a content coding.
    private const int LargestZstandardWindowLog = 23;

    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(OutputLength);
    private readonly FeedStream _input = new();
    private Stream? _stream;
    private BrotliDecoder _brotli;
    private bool _isOver;
    private long _coded;
    private long _decoded;
    private long _maxDecoded;

    /// <summary>What was fed is not in the announced coding; nothing more will come out.</summary>
    public bool IsCorrupt { get; private set; }

    /// <summary>It unpacks to more than is worth reading; nothing more will come out.</summary>
    public bool IsTooLarge { get; private set; }

    /// <param name="maxDecoded">Bytes that come out before a body must be no more than text is, compared with what went in.</param>
    public void Begin(BodyCoding coding, long maxDecoded)
    {
        End();
        _coded = 0;
        _decoded = 0;
        _maxDecoded = maxDecoded;
        _input.Fill([]);
        _stream = coding switch
        {
            BodyCoding.Gzip => new GZipStream(_input, CompressionMode.Decompress, leaveOpen: true),
            BodyCoding.Zlib => new ZLibStream(_input, CompressionMode.Decompress, leaveOpen: true),
            BodyCoding.Deflate => new DeflateStream(_input, CompressionMode.Decompress, leaveOpen: true),
            BodyCoding.Zstandard => OpenZstandard(),
            _ => null,
        };
    }

    /// <summary>
    /// The next decoded bytes, valid until the next call; <paramref name="input"/> is moved behind what went into them. False: all of it is
    /// used up.
    /// </summary>
    public bool TryDecode(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> output)
    {
        int written = 0;
        if (!_isOver)
        {
            int before = input.Length;
            written = _stream is { } stream ? DecodeStream(stream, ref input) : DecodeBrotli(ref input);
            _coded += before - input.Length;
            _decoded += written;
            IsTooLarge = _decoded > _maxDecoded && _decoded / LargestRatio > _coded;
            _isOver |= IsTooLarge;
        }

        output = _output.AsSpan(0, written);
        return written != 0;
    }

    /// <summary>Frees the native state.</summary>
    public void End()
    {
        _stream?.Dispose();
        _stream = null;
        _brotli.Dispose();
        _brotli = default;
        _isOver = false;
        IsCorrupt = false;
        IsTooLarge = false;
    }

    public void Dispose()
    {
        End();
        _input.Dispose();
    }

    private DecompressionStream OpenZstandard()
    {
        Decompressor decompressor = new();
        decompressor.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, LargestZstandardWindowLog);
        return new DecompressionStream(_input, decompressor, checkEndOfStream: false, preserveDecompressor: false);
    }

    private int DecodeStream(Stream stream, ref ReadOnlySpan<byte> input)
    {
        try
        {
            while (true)
            {
                int written = stream.Read(_output);
                if (written != 0 || input.IsEmpty)
                {
                    return written;
                }

                input = input[_input.Fill(input)..];
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ZstdException)
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
/// The inner stream of a decoder that is fed piece by piece: a read returns what there is and 0 when there is nothing yet. DeflateStream
/// takes that 0 for "no more now" and reads again on the next call (its strict validation, an AppContext switch, must stay off); a test
/// pins it.
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
