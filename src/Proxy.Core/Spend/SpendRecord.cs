using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Spend;

/// <summary>
/// What is known of one exchange (design.md §5): never a body, a credential, or a field value beyond the ones named here.
/// Owned by the exchange from <see cref="ISpendSink.TryClaim"/> to <see cref="ISpendSink.Complete"/>, by the sink before and after; reused.
/// </summary>
public sealed class SpendRecord
{
    public const int ModelCapacity = 128;
    public const int IdCapacity = 64;
    public const int TagsCapacity = 256;

    /// <summary>More iterations than this are folded into the last one and flagged.</summary>
    public const int MaxIterations = 64;

    private readonly List<IterationUsage> _iterations = [];
    private long _deliveredOutputBytes;

    /// <summary>The gateway's own id of the exchange, a version 7 UUID; unique in the ledger.</summary>
    public Guid Id { get; set; }

    /// <summary>Unix time of the first byte of the request head, milliseconds.</summary>
    public long StartedAtUnixMs { get; set; }

    /// <summary>From the start to the first byte of the final response head, microseconds; -1 when none came.</summary>
    public long TimeToFirstByteUs { get; set; } = -1;

    /// <summary>From the start to the end of the exchange, microseconds.</summary>
    public long DurationUs { get; set; }

    /// <summary>Whose virtual key it was; null when none was accepted.</summary>
    public KeyIdentity? Caller { get; set; }

    /// <summary>Name of the route, empty when none matched.</summary>
    public string Route { get; set; } = "";

    public PathClass PathClass { get; set; }

    public MethodId Method { get; set; }

    /// <summary>Which credential left, and so who pays.</summary>
    public CredentialKind Credential { get; set; }

    /// <summary>Status sent to the client; 0 when none was.</summary>
    public int Status { get; set; }

    public EndReason EndReason { get; set; }

    public ForwardFailure Failure { get; set; }

    public RefusalReason Refusal { get; set; }

    public SpendFlags Flags { get; set; }

    public TextField ModelAsked { get; } = new(ModelCapacity);

    public TextField ModelServed { get; } = new(ModelCapacity);

    /// <summary>The upstream's <c>request-id</c>.</summary>
    public TextField UpstreamRequestId { get; } = new(IdCapacity);

    /// <summary>The answer's <c>msg_…</c>.</summary>
    public TextField MessageId { get; } = new(IdCapacity);

    public TextField SessionId { get; } = new(IdCapacity);

    public TextField AgentId { get; } = new(IdCapacity);

    public TextField ParentAgentId { get; } = new(IdCapacity);

    public TextField Tags { get; } = new(TagsCapacity);

    /// <summary>The message batch (<c>msgbatch_…</c>) whose result line this is; empty for any other exchange.</summary>
    public TextField BatchId { get; } = new(IdCapacity);

    /// <summary>The latest usage reported.</summary>
    public UsageCounters Usage;

    public int IterationCount { get; private set; }

    /// <summary>The response was an event stream.</summary>
    public bool Streamed { get; set; }

    /// <summary>Price in nano-USD; set when it is priced.</summary>
    public long CostNanoUsd { get; set; }

    /// <summary>Which price data was applied.</summary>
    public string PriceVersion { get; set; } = "";

    /// <summary>Bytes of the request body relayed, framing not counted.</summary>
    public long RequestBodyBytes { get; set; }

    /// <summary>Bytes of the response body relayed, framing not counted.</summary>
    public long ResponseBodyBytes { get; set; }

    /// <summary>
    /// Bytes of output text delivered that no usage report covers yet; after a kill they are booked as an estimate. Setting it is one store
    /// into the journal, so it may be set as often as text arrives. 0 to 2^48 - 1 survive; more counts as that.
    /// </summary>
    public long DeliveredOutputBytes
    {
        get => _deliveredOutputBytes;
        set
        {
            _deliveredOutputBytes = value;
            Slot?.StoreProgress(value);
        }
    }

    /// <summary>Usage reports booked so far; tells who watches that there is something new.</summary>
    internal int UsageReports { get; set; }

    /// <summary>Where the journal keeps it; null for a record without a journal.</summary>
    internal RecordSlot? Slot { get; init; }

    /// <summary>
    /// Writes the present state to the journal, so that a kill from now on loses only what changes after it. Well under a microsecond,
    /// never blocks or allocates. By the record's owner only; does nothing without a journal.
    /// </summary>
    public void Checkpoint() => Slot?.Checkpoint();

    public IterationUsage Iteration(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, IterationCount);
        return _iterations[index];
    }

    /// <summary>A later report replaces all iterations.</summary>
    public void ClearIterations() => IterationCount = 0;

    /// <summary>
    /// The next iteration, cleared; the last one again (with a flag) when there are too many. Allocates only the first time a record gets
    /// this many.
    /// </summary>
    public IterationUsage AddIteration()
    {
        if (IterationCount == MaxIterations)
        {
            Flags |= SpendFlags.IterationsFolded;
            return _iterations[MaxIterations - 1];
        }

        if (IterationCount == _iterations.Count)
        {
            _iterations.Add(new IterationUsage());
        }

        IterationUsage iteration = _iterations[IterationCount++];
        iteration.Clear();
        return iteration;
    }

    /// <summary>Makes it ready for another exchange.</summary>
    public void Clear()
    {
        Id = default;
        Caller = null;
        foreach (SpendColumn column in SpendColumns.Span)
        {
            switch (column.Kind)
            {
                case SpendColumnKind.Number or SpendColumnKind.Word:
                    column.SetNumber(this, column.Cleared);
                    break;
                case SpendColumnKind.Text:
                    column.Text(this).Clear();
                    break;
                case SpendColumnKind.Name:
                    column.SetName(this, "");
                    break;
            }
        }

        UsageReports = 0;
        IterationCount = 0;
        _deliveredOutputBytes = 0;
    }
}

/// <summary>Where a record is kept while its exchange runs; written by the record's owner only.</summary>
internal abstract class RecordSlot
{
    /// <summary>Keeps the record as it is now.</summary>
    public abstract void Checkpoint();

    /// <summary>Keeps <see cref="SpendRecord.DeliveredOutputBytes"/> beside the last checkpoint.</summary>
    public abstract void StoreProgress(long bytes);
}
