using Proxy.Core.Spend;

namespace Proxy.Host.Tests.Storage;

/// <summary>One usage iteration as the ledger keeps it.</summary>
internal sealed record IterationRow(IterationKind Kind, string Model, UsageCounters Usage);
