using Proxy.Simulator.Usage;

namespace Proxy.Simulator.Scripting;

/// <summary>What one answer shall do; each property is the request field <c>x-sim-…</c> of the same name.</summary>
public sealed class SimScript
{
    public string? Id { get; set; }
    public string? Nonce { get; set; }
    public string? Model { get; set; }
    public string? StopReason { get; set; }
    public string? Tool { get; set; }

    public int? Events { get; set; }
    public int? TextBytes { get; set; }
    public int Pings { get; set; } = 1;
    public int Comments { get; set; }
    public int Unknown { get; set; }
    public int Thinking { get; set; }
    public int MessageDeltas { get; set; } = 1;

    public int PaceMs { get; set; }
    public int FirstByteDelayMs { get; set; }
    public int PauseMs { get; set; }
    public string? Hold { get; set; }
    /// <summary>The SSE record (1 = message_start) or piece of JSON before which <see cref="Hold"/> waits; 0 = the first delta.</summary>
    public int HoldBefore { get; set; }

    public int? Status { get; set; }
    public int RetryAfter { get; set; } = 7;
    public int? ErrorEventAfter { get; set; }
    public long? CutAfter { get; set; }
    public int? CutAfterEvents { get; set; }
    public SimCut Cut { get; set; }
    public SimEarly Early { get; set; }

    public int TrickleBytes { get; set; }
    public int TrickleMs { get; set; }
    public SimSplit Split { get; set; }
    public SimCoding Coding { get; set; }
    public SimFraming? Framing { get; set; }
    public int SurplusBytes { get; set; }
    public IReadOnlyList<int> Interim { get; set; } = [];
    public IReadOnlyList<KeyValuePair<string, string>> Fields { get; set; } = [];
    public IReadOnlyList<KeyValuePair<string, string>> Trailers { get; set; } = [];

    public SimUsage? Usage { get; set; }
    public long? Seed { get; set; }
    public SimDeltaUsage? DeltaUsage { get; set; }

    /// <summary>Nothing asks for a particular time or place of writing, so events may share a flush.</summary>
    internal bool IsBulk => PaceMs == 0 && PauseMs == 0 && Hold is null && TrickleBytes == 0 && Split == SimSplit.None
        && CutAfter is null && CutAfterEvents is null;

    public SimScript Clone() => (SimScript)MemberwiseClone();
}
