namespace Proxy.Host;

/// <summary>What the host says. No message takes a key, a credential or a body.</summary>
internal static partial class HostLog
{
    [LoggerMessage(100, LogLevel.Information, "listening on {Addresses}; ledger {Ledger}")]
    public static partial void Started(ILogger logger, string addresses, string ledger);

    [LoggerMessage(101, LogLevel.Information, "stopping: live responses have {Drain} to end")]
    public static partial void Stopping(ILogger logger, TimeSpan drain);

    [LoggerMessage(102, LogLevel.Warning, "configuration: {Warning}")]
    public static partial void ConfigurationWarning(ILogger logger, string warning);

    [LoggerMessage(103, LogLevel.Information, "configuration reloaded: {Keys} keys, {Routes} routes, prices {Prices}")]
    public static partial void Reloaded(ILogger logger, int keys, int routes, string prices);

    [LoggerMessage(104, LogLevel.Error, "configuration not reloaded, the one before stays in force: {Problem}")]
    public static partial void ReloadRefused(ILogger logger, string problem);

    [LoggerMessage(105, LogLevel.Warning, "{Key} changed, which takes a restart; the rest is reloaded")]
    public static partial void NeedsRestart(ILogger logger, string key);

    [LoggerMessage(106, LogLevel.Error, "housekeeping failed")]
    public static partial void HousekeepingBroken(ILogger logger, Exception fault);

    [LoggerMessage(110, LogLevel.Error, "the ledger cannot be written and records are kept in the journal until it can: {Cause}")]
    public static partial void LedgerAway(ILogger logger, string cause);

    [LoggerMessage(111, LogLevel.Information, "the ledger can be written again")]
    public static partial void LedgerBack(ILogger logger);

    [LoggerMessage(112, LogLevel.Critical, "stopped with {Count} records that the ledger would not take: they stay in the journal for the next start")]
    public static partial void LedgerAbandoned(ILogger logger, long count);

    [LoggerMessage(115, LogLevel.Warning, "the journal holds {Count} records of an earlier run: they are booked now")]
    public static partial void JournalRecovered(ILogger logger, int count);

    [LoggerMessage(120, LogLevel.Error, "the admin API could not use the ledger: {Cause}")]
    public static partial void AdminLedgerFault(ILogger logger, string cause);

    [LoggerMessage(121, LogLevel.Error, "the admin API failed on a request")]
    public static partial void AdminFault(ILogger logger, Exception fault);

    [LoggerMessage(122, LogLevel.Information, "admin API on {Addresses}")]
    public static partial void AdminStarted(ILogger logger, string addresses);

    [LoggerMessage(123, LogLevel.Error, "keys and teams could not be read from the ledger, those before stay in force: {Cause}")]
    public static partial void PrincipalsUnreadable(ILogger logger, string cause);

    [LoggerMessage(141, LogLevel.Error, "what open batches reserve could not be read and counts for nothing until their results come: {Cause}")]
    public static partial void BatchesUnreadable(ILogger logger, string cause);

    [LoggerMessage(142, LogLevel.Error, "what open batches reserve could not be written down, and would be lost with the process: {Cause}")]
    public static partial void BatchesUnwritable(ILogger logger, string cause);

    [LoggerMessage(124, LogLevel.Warning, "soft budget reached: {Kind} {Name} has spent {Spent} USD in its {Period} window")]
    public static partial void SoftBudgetReached(ILogger logger, string kind, string name, decimal spent, string period);

    [LoggerMessage(125, LogLevel.Error, "a row of the ledger cannot be used, and what depends on it is refused until it is mended: {Cause}")]
    public static partial void RowUnusable(ILogger logger, string cause);

    [LoggerMessage(113, LogLevel.Error, "pricing failed; records are booked without a price and flagged")]
    public static partial void PricingBroken(ILogger logger, Exception fault);

    [LoggerMessage(114, LogLevel.Warning, "no price for model {Model}: booked at the fall-back rate and flagged (said once a model)")]
    public static partial void PriceUnknown(ILogger logger, string model);
}
