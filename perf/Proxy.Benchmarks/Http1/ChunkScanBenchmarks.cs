using System.Text;
using BenchmarkDotNet.Attributes;
using Proxy.Core.Http1;

namespace Proxy.Benchmarks.Http1;

/// <summary>What validating a chunked stream costs, by the size of its chunks and of the pieces it arrives in.</summary>
[MemoryDiagnoser]
public class ChunkScanBenchmarks
{
    private const int DataLength = 256 * 1024;

    private byte[] _body = [];

    [Params(1, 140, 8192)]
    public int Chunk { get; set; }

    [Params(1500, 16384)]
    public int Piece { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        StringBuilder body = new();
        for (int left = DataLength; left > 0; left -= Chunk)
        {
            int size = Math.Min(Chunk, left);
            body.Append(size.ToString("x", null)).Append("\r\n").Append('d', size).Append("\r\n");
        }

        _body = Encoding.Latin1.GetBytes(body.Append("0\r\n\r\n").ToString());
        if (Scan() != DataLength)
        {
            throw new InvalidOperationException("The body was not read to its end.");
        }
    }

    [Benchmark]
    public long Scan()
    {
        ChunkScanner scanner = default;
        for (int at = 0; at < _body.Length; at += Piece)
        {
            ReadOnlySpan<byte> piece = _body.AsSpan(at, Math.Min(Piece, _body.Length - at));
            while (scanner.Next(piece, out int length) is ChunkPart.Data or ChunkPart.Framing or ChunkPart.Discard)
            {
                piece = piece[length..];
            }
        }

        return scanner.IsComplete ? scanner.DataLength : -1;
    }
}
