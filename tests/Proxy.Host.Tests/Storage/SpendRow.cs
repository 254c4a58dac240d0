using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Host.Tests.Storage;

/// <summary>One exchange as the ledger keeps it: the fields of <see cref="SpendRecord"/>. Texts that were never known are empty, key fields null.</summary>
internal sealed record SpendRow
{
    public Guid Id { get; init; }

    public long StartedAtUnixMs { get; init; }

    public long TimeToFirstByteUs { get; init; }

    public long DurationUs { get; init; }

    public string? KeyHash { get; init; }

    public string? KeyAlias { get; init; }

    public string? TeamId { get; init; }

    public string? UserId { get; init; }

    public string Route { get; init; } = "";

    public PathClass PathClass { get; init; }

    public MethodId Method { get; init; }

    public CredentialKind Credential { get; init; }

    public int Status { get; init; }

    public EndReason EndReason { get; init; }

    public ForwardFailure Failure { get; init; }

    public RefusalReason Refusal { get; init; }

    public SpendFlags Flags { get; init; }

    public string ModelAsked { get; init; } = "";

    public string ModelServed { get; init; } = "";

    public string UpstreamRequestId { get; init; } = "";

    public string MessageId { get; init; } = "";

    public string SessionId { get; init; } = "";

    public string AgentId { get; init; } = "";

    public string ParentAgentId { get; init; } = "";

    public string Tags { get; init; } = "";

    public string BatchId { get; init; } = "";

    public UsageCounters Usage { get; init; }

    public bool Streamed { get; init; }

    public long CostNanoUsd { get; init; }

    public string PriceVersion { get; init; } = "";

    public long RequestBodyBytes { get; init; }

    public long ResponseBodyBytes { get; init; }

    public IReadOnlyList<IterationRow> Iterations { get; init; } = [];
}
