using Microsoft.Extensions.Logging;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Diagnostics;

/// <summary>What the data path says. Nothing that a client or upstream sent is ever an argument here.</summary>
internal static partial class ForwardLog
{
    [LoggerMessage(1001, LogLevel.Warning, "Exchange {Id:N} on route {Route}: {Failure} ({Detail})")]
    public static partial void Failed(ILogger logger, Guid id, string route, ForwardFailure failure, string detail);

    [LoggerMessage(1002, LogLevel.Error, "Exchange {Id:N} failed inside the gateway")]
    public static partial void Broken(ILogger logger, Guid id, Exception fault);

    [LoggerMessage(1003, LogLevel.Debug, "Exchange {Id:N} refused with {Status}: {Message}")]
    public static partial void Refused(ILogger logger, Guid id, int status, string message);

    [LoggerMessage(1004, LogLevel.Error, "A connection failed inside the gateway")]
    public static partial void ConnectionBroken(ILogger logger, Exception fault);
}
