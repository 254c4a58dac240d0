namespace Proxy.Core.Metering;

/// <summary><c>usage.iterations[].type</c>.</summary>
public enum IterationKind : byte
{
    Other = 0,
    Message,
    Compaction,
    AdvisorMessage,
    FallbackMessage,
}
