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
