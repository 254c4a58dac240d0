namespace Proxy.Core.Spend;

/// <summary>One entry of <c>usage.iterations</c>. Belongs to a <see cref="SpendRecord"/> and is reused with it.</summary>
public sealed class IterationUsage
{
    public IterationKind Kind { get; set; }

    /// <summary>Empty for compaction: the response's own model served it.</summary>
    public TextField Model { get; } = new(SpendRecord.ModelCapacity);

    public UsageCounters Usage;

    /// <summary>An attempt that was declined before any output: it costs nothing.</summary>
    public bool IsFree { get; set; }

    /// <summary>One price holds for the sum of both.</summary>
    internal bool IsPricedLike(IterationUsage other) =>
        Kind == other.Kind && IsFree == other.IsFree && Usage.ServiceTier == other.Usage.ServiceTier && Usage.Speed == other.Usage.Speed
        && Usage.InferenceGeo == other.Usage.InferenceGeo && Model.Bytes.SequenceEqual(other.Model.Bytes);

    internal void CopyFrom(IterationUsage other)
    {
        Kind = other.Kind;
        Model.Set(other.Model.Bytes);
        Usage = other.Usage;
        IsFree = other.IsFree;
    }

    public void Clear()
    {
        Kind = IterationKind.Other;
        Model.Clear();
        Usage = default;
        IsFree = false;
    }
}

/// <summary><c>usage.iterations[].type</c>.</summary>
public enum IterationKind : byte
{
    Other = 0,
    Message,
    Compaction,
    AdvisorMessage,
    FallbackMessage,
}
