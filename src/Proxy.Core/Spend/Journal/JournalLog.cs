using Microsoft.Extensions.Logging;

namespace Proxy.Core.Spend.Journal;

/// <summary>What the journal says.</summary>
internal static partial class JournalLog
{
    [LoggerMessage(
        1101,
        LogLevel.Warning,
        "Spend journal: {Finished} finished and {Interrupted} interrupted records of an earlier run are booked now")]
    public static partial void Recovered(ILogger logger, int finished, int interrupted);

    [LoggerMessage(
        1102,
        LogLevel.Error,
        "Spend journal: {Path} cannot be used because {Defect}. It is kept as {Aside}; the records in it are not booked")]
    public static partial void SetAside(ILogger logger, string path, string defect, string aside);

    [LoggerMessage(
        1103,
        LogLevel.Error,
        "Spend journal: {Path} cannot be used because {Defect}, and cannot be renamed either ({Reason}). "
        + "The records in it are not booked")]
    public static partial void LeftAlone(ILogger logger, string path, string defect, string reason);

    [LoggerMessage(1104, LogLevel.Error, "Spend journal: {Count} slots of {Path} are damaged; what they held is lost")]
    public static partial void Damaged(ILogger logger, int count, string path);

    [LoggerMessage(
        1105,
        LogLevel.Error,
        "Spend journal: all {Capacity} slots are in use and it cannot grow: {Reason}. "
        + "Requests are refused until there is room")]
    public static partial void CannotGrow(ILogger logger, int capacity, string reason);

    [LoggerMessage(1106, LogLevel.Information, "Spend journal: it grows again, to {Capacity} slots")]
    public static partial void GrowsAgain(ILogger logger, int capacity);

    [LoggerMessage(1107, LogLevel.Information, "Spend journal: {Path} is empty and not needed by this configuration; deleted")]
    public static partial void Deleted(ILogger logger, string path);
}
