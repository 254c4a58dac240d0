using System.Runtime.CompilerServices;

namespace Proxy.Core.Admission;

/// <summary>
/// What a request under way holds of its scopes. A value without a finaliser: whoever has it must settle it, once. <c>default</c> holds
/// nothing.
/// </summary>
public struct AdmissionTicket
{
    /// <summary>The five scopes of a key, and the key's own for a model.</summary>
    internal const int MaxScopes = 6;

    internal AdmissionEntries Entries;
    internal int Count;
    internal Stake Stake;

    public readonly bool IsEmpty => Count == 0;

    /// <summary>What is reserved by budgets that have learned what to expect.</summary>
    public readonly long ReservedNanoUsd => Stake.ExpectedNanoUsd;

    [InlineArray(MaxScopes)]
    internal struct AdmissionEntries
    {
        private AdmissionEntry _first;
    }
}

/// <summary>What a request took from one scope.</summary>
/// <param name="Sequence">Its place among the scope's admissions: tells which windows hold its reservation.</param>
/// <param name="AtUnixMs">By the scope's clock.</param>
/// <param name="CountsMoney">The scope's budgets count this payer.</param>
/// <param name="IsReserved">They hold what the ticket reserves.</param>
internal readonly record struct AdmissionEntry(AdmissionScope Scope, long Sequence, long AtUnixMs, bool CountsMoney, bool IsReserved);
