using System.Runtime.CompilerServices;

namespace Proxy.Core.Admission;

/// <summary>What a request under way holds of its scopes. A value without a finaliser: whoever has it must settle it, once. <c>default</c> holds nothing.</summary>
public struct AdmissionTicket
{
    /// <summary>More scopes than any request has.</summary>
    internal const int MaxScopes = 6;

    internal AdmissionEntries Entries;
    internal int Count;
    internal long ReservedNanoUsd;

    public readonly bool IsEmpty => Count == 0;

    [InlineArray(MaxScopes)]
    internal struct AdmissionEntries
    {
        private AdmissionEntry _first;
    }
}
