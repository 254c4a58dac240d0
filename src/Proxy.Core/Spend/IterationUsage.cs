namespace Proxy.Core.Spend;

/// <summary>One entry of <c>usage.iterations</c>. Belongs to a <see cref="SpendRecord"/> and is reused with it.</summary>
public sealed class IterationUsage
{
    public IterationKind Kind { get; set; }

    /// <summary>Empty for compaction: the response's own model served it.</summary>
    public TextField Model { get; } = new(SpendRecord.ModelCapacity);

    public UsageCounters Usage;

    public void Clear()
    {
        Kind = IterationKind.Other;
        Model.Clear();
        Usage = default;
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
