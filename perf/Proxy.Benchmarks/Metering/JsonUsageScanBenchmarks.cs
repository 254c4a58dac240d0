using BenchmarkDotNet.Attributes;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Benchmarks.Metering;

/// <summary>What looking at an answer, at a long request, and pricing cost.</summary>
[MemoryDiagnoser]
public class JsonUsageScanBenchmarks : IDisposable
{
    private readonly byte[] _answer = MeteringBodies.Answer();
    private readonly byte[] _request = MeteringBodies.Request();
    private readonly ResponseMeter _meter = new();
    private readonly RequestMeter _requestMeter = new();
    private readonly PriceBook _prices = PriceBook.BuiltIn;
    private readonly SpendRecord _record = new() { PathClass = PathClass.Messages };

    [Benchmark]
    public long Answer()
    {
        _meter.Begin(_record, 200, "application/json"u8, default);
        _meter.Feed(_answer);
        _meter.End(complete: true);
        return _record.Usage.OutputTokens;
    }

    [Benchmark]
    public long Request()
    {
        _requestMeter.Begin(PathClass.Messages);
        for (int at = 0; at < _request.Length; at += 16384)
        {
            _requestMeter.Feed(_request.AsSpan(at, Math.Min(16384, _request.Length - at)));
        }

        return _requestMeter.MaxTokens;
    }

    [Benchmark]
    public long Price()
    {
        _record.ModelServed.Set("claude-opus-5-20260601"u8);
        _record.Usage = new UsageCounters { InputTokens = 25, CacheReadInputTokens = 90_000, OutputTokens = 4000 };
        _prices.Price(_record);
        return _record.CostNanoUsd;
    }

    public void Dispose()
    {
        _meter.Dispose();
        GC.SuppressFinalize(this);
    }
}
