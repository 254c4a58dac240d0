namespace Proxy.Core.Outcomes;

/// <summary>How an exchange ended.</summary>
public enum EndReason : byte
{
    /// <summary>Response relayed to its end, whatever its status.</summary>
    Complete = 0,
    ClientGone,
    UpstreamCut,

    /// <summary>The stream carried an <c>error</c> event after HTTP 200.</summary>
    UpstreamErrorEvent,

    /// <summary>Refused by the gateway before anything was sent upstream; the failure or refusal says why.</summary>
    Refused,

    /// <summary>No usable answer came from the upstream (502, 504).</summary>
    UpstreamFailed,

    /// <summary>The gateway stopped in the middle.</summary>
    Interrupted,
}
