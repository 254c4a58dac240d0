namespace Proxy.Host.Storage;

/// <summary>How records travel to the ledger. Immutable.</summary>
internal sealed record LedgerOptions
{
    /// <summary>Records in one transaction at most.</summary>
    public int BatchSize { get; init; } = 512;

    /// <summary>Slots of the journal: exchanges under way plus records not yet committed; beyond it requests are refused, so memory and disk stay bounded.</summary>
    public int MaxInFlight { get; init; } = 16384;

    /// <summary>Directory of the journal; null for <c>journal</c> beside the ledger.</summary>
    public string? JournalPath { get; init; }

    /// <summary>How long a record may wait for company, so that a busy gateway commits twenty times a second and not once a request.</summary>
    public TimeSpan GatherDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long SQLite itself waits for another process's lock; only the writer's own thread waits.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan LastRetry { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long stopping tries to write what is left.</summary>
    public TimeSpan StopDeadline { get; init; } = TimeSpan.FromSeconds(10);
}
