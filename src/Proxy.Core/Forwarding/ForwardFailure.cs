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

    Internal,
}
