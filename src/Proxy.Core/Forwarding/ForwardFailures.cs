namespace Proxy.Core.Forwarding;

/// <summary>What each <see cref="ForwardFailure"/> means to a client: one row each, nothing about it is said anywhere else.</summary>
public static class ForwardFailures
{
    /// <summary>The answer while none has been sent; a status of 0 means that nobody is there to read one.</summary>
    internal static Refusal Describe(ForwardFailure failure) => failure switch
    {
        ForwardFailure.ClientHead => new(400, "the request head is malformed"),
        ForwardFailure.ClientHeadTimeout => new(408, "the request head did not arrive in time"),
        ForwardFailure.ClientBody => new(400, "the request body is not framed as its head says"),
        ForwardFailure.ClientBodyTimeout => new(408, "the request body did not arrive in time"),
        ForwardFailure.ClientGone => new(0, "the client left"),
        ForwardFailure.ClientNotReading => new(0, "the client does not read its response"),
        ForwardFailure.UpstreamName => new(502, "the upstream's name cannot be resolved", ShouldRetry: true),
        ForwardFailure.UpstreamConnect => new(502, "the upstream cannot be reached", ShouldRetry: true),
        ForwardFailure.UpstreamConnectTimeout => new(504, "the upstream did not accept a connection in time", ShouldRetry: true),
        ForwardFailure.UpstreamTls => new(502, "no trusted TLS connection to the upstream could be made"),
        ForwardFailure.UpstreamTlsTimeout => new(504, "the upstream did not finish the TLS handshake in time", ShouldRetry: true),
        // The upstream may have begun the work: a retry is the client's decision, but it is the one its SDK makes for any 502.
        ForwardFailure.UpstreamSend => new(502, "the upstream closed the connection while the request was being sent", ShouldRetry: true),
        ForwardFailure.UpstreamClosed => new(502, "the upstream closed the connection without an answer", ShouldRetry: true),
        ForwardFailure.UpstreamHead => new(502, "the upstream's answer is not valid HTTP"),
        ForwardFailure.UpstreamHeadTimeout => new(504, "the upstream did not answer in time"),
        ForwardFailure.UpstreamBody => new(502, "the upstream's answer ended early"),
        ForwardFailure.UpstreamSilent => new(504, "the upstream fell silent in the middle of its answer"),
        ForwardFailure.LedgerFull => new(503, "the gateway cannot book this answer now", ShouldRetry: true),
        _ => new(500, "the gateway failed on this request"),
    };
}
