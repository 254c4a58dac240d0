namespace Proxy.Core.Forwarding;

/// <summary>What an answer of the gateway's own needs to know of the exchange it ends.</summary>
internal readonly ref struct AnswerContext
{
    /// <summary>The exchange's id: the client's request-id, the ledger's key and the log's are the same.</summary>
    public required Guid Id { get; init; }

    public required ReadOnlySpan<byte> Date { get; init; }

    /// <summary>The connection ends after this answer.</summary>
    public required bool Close { get; init; }

    /// <summary>The request was HEAD: no body (RFC 9110 §9.3.2).</summary>
    public required bool HeadOnly { get; init; }
}
