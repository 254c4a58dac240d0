namespace Proxy.Core.Metering.Journal;

/// <summary>How large the journal is. Immutable.</summary>
public sealed record SpendJournalOptions
{
    /// <summary>A slot's number is half of a word that is swapped at once.</summary>
    internal const int MostSlots = ushort.MaxValue;

    /// <summary>The journal grows by this many slots of 4 kB; 1 to 65535.</summary>
    public int SlotsPerSegment { get; init; } = 1024;

    /// <summary>Exchanges under way plus records that are not in the ledger yet; beyond it nothing can be claimed. 1 to 65535.</summary>
    public int MaxSlots { get; init; } = 16384;
}
