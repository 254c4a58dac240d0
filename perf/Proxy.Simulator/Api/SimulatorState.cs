using System.Collections.Concurrent;
using Proxy.Simulator.Records;

namespace Proxy.Simulator.Api;

/// <summary>What the handlers of one simulator share.</summary>
internal sealed class SimulatorState(SimulatorOptions options)
{
    private long _requestNumber;

    public SimulatorOptions Options { get; } = options;

    public TruthTable Truth { get; } = new(options.TruthCapacity);

    public RequestLog Requests { get; } = new(options.RecordedRequests);

    public HoldTable Holds { get; } = new();

    /// <summary>Custom ids of each batch.</summary>
    public ConcurrentDictionary<string, string[]> Batches { get; } = new(StringComparer.Ordinal);

    // A counter is unique and cheap; the prefix of the start keeps ids apart across restarts.
    private readonly string _prefix = $"req_sim{Environment.TickCount64 & 0xffffff:x6}";

    public string NextRequestId() => string.Concat(_prefix, Interlocked.Increment(ref _requestNumber).ToString("x12"));

    public void Reset()
    {
        Truth.Clear();
        Requests.Clear();
        Holds.Clear();
        Batches.Clear();
    }
}
