using BenchmarkDotNet.Attributes;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Benchmarks.Metering;

/// <summary>What looking at a stream costs, by the size of the pieces it arrives in.</summary>
[MemoryDiagnoser]
public class SseScanBenchmarks : IDisposable
{
    private readonly byte[] _body = MeteringBodies.Stream();
    private readonly ResponseMeter _meter = new();
    private readonly SpendRecord _record = new() { PathClass = PathClass.Messages };

    [Params(140, 1500, 16384)]
    public int Piece { get; set; }

    [Benchmark]
    public long Scan()
    {
        _meter.Begin(_record, 200, "text/event-stream"u8, default);
        for (int at = 0; at < _body.Length; at += Piece)
        {
            _meter.Feed(_body.AsSpan(at, Math.Min(Piece, _body.Length - at)));
        }

        _meter.End(complete: true);
        return _record.Usage.OutputTokens;
    }

    public void Dispose()
    {
        _meter.Dispose();
        GC.SuppressFinalize(this);
    }
}
