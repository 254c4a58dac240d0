namespace Proxy.Core.Forwarding;

/// <summary>Why an exchange did not end well: stage × party. Status, wording and metric label of each are in ForwardFailures.</summary>
public enum ForwardFailure : byte
{
    None = 0,

    ClientHead,
    ClientHeadTimeout,
    ClientBody,
    ClientBodyTimeout,
    ClientGone,
    ClientNotReading,

    UpstreamName,
    UpstreamConnect,
    UpstreamConnectTimeout,
    UpstreamTls,
    UpstreamTlsTimeout,
    UpstreamSend,
    UpstreamClosed,
    UpstreamHead,
    UpstreamHeadTimeout,
    UpstreamBody,
    UpstreamSilent,

    /// <summary>A line of batch results could not be booked: it is not handed out.</summary>
    LedgerFull,

    Internal,
}
