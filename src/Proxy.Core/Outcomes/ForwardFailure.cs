namespace Proxy.Core.Outcomes;

/// <summary>Why an exchange did not end well: stage × party. What follows from each is in <see cref="ForwardFailures"/>.</summary>
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

    /// <summary>
    /// The TLS handshake was reset, ended or refused by an alert, on another address or in another try too. Nothing was sent.
    /// </summary>
    UpstreamHandshake,
}

/// <summary>What a <see cref="ForwardFailure"/> means to everyone concerned.</summary>
/// <param name="Answer">The answer while none has been sent; a status of 0 means that nobody is there to read one.</param>
/// <param name="End">How the exchange is booked once a response has begun.</param>
internal readonly record struct FailureRow(Answer Answer, EndReason End)
{
    /// <summary>Somebody other than the client is to blame: the operator is told.</summary>
    public bool IsLogged { get; init; }

    /// <summary>
    /// Nothing of an answer came: the request may be sent again where <c>RetryPolicy</c> allows it (http-rules.md row 57).
    /// </summary>
    public bool MayRetry { get; init; }

    /// <summary>Whoever ended it, the upstream had the request and may be working on it: it may cost money.</summary>
    public bool LeavesUpstreamAtWork { get; init; }

    /// <summary>The client goes on sending its body as announced, so that the rest of it can be followed and thrown away.</summary>
    public bool LeavesBodyReadable { get; init; }
}

/// <summary>One row for each <see cref="ForwardFailure"/>; nothing about it is said anywhere else.</summary>
internal static class ForwardFailures
{
    public static FailureRow Describe(ForwardFailure failure) => failure switch
    {
        ForwardFailure.None => new(default, EndReason.Complete) { LeavesBodyReadable = true },
        ForwardFailure.ClientHead => Client(400, "the request head is malformed", EndReason.Refused, isLogged: true),
        ForwardFailure.ClientHeadTimeout => Client(408, "the request head did not arrive in time", EndReason.Refused, isLogged: true),
        ForwardFailure.ClientBody => Client(400, "the request body is not framed as its head says", EndReason.Refused),
        ForwardFailure.ClientBodyTimeout => Client(408, "the request body did not arrive in time", EndReason.Refused),
        ForwardFailure.ClientGone => Client(0, "the client left", EndReason.ClientGone) with { LeavesUpstreamAtWork = true },
        ForwardFailure.ClientNotReading => Client(0, "the client does not read its response", EndReason.ClientGone, isLogged: true) with
        {
            LeavesUpstreamAtWork = true,
        },
        ForwardFailure.UpstreamName => Upstream(502, "the upstream's name cannot be resolved", shouldRetry: true),
        ForwardFailure.UpstreamConnect => Upstream(502, "the upstream cannot be reached", shouldRetry: true),
        ForwardFailure.UpstreamConnectTimeout => Upstream(504, "the upstream did not accept a connection in time", shouldRetry: true),
        ForwardFailure.UpstreamTls => Upstream(502, "the upstream's certificate is not trusted or names another host", shouldRetry: false),
        ForwardFailure.UpstreamHandshake => Upstream(502, "the TLS handshake with the upstream failed", shouldRetry: true),
        ForwardFailure.UpstreamTlsTimeout => Upstream(504, "the upstream did not finish the TLS handshake in time", shouldRetry: true),

        // The upstream may have begun the work: a retry is the client's decision, but it is the one its SDK makes for any 502.
        ForwardFailure.UpstreamSend => Upstream(
            502, "the upstream closed the connection while the request was being sent", shouldRetry: true) with
        {
            MayRetry = true,
            LeavesBodyReadable = true,
        },
        ForwardFailure.UpstreamClosed => Upstream(502, "the upstream closed the connection without an answer", shouldRetry: true) with
        {
            MayRetry = true,
        },
        ForwardFailure.UpstreamHead => Upstream(502, "the upstream's answer is not valid HTTP", shouldRetry: false),
        ForwardFailure.UpstreamHeadTimeout =>
            Upstream(504, "the upstream did not answer in time", shouldRetry: false) with { LeavesUpstreamAtWork = true },
        ForwardFailure.UpstreamBody => Upstream(502, "the upstream's answer ended early", shouldRetry: false),
        ForwardFailure.UpstreamSilent => Upstream(504, "the upstream fell silent in the middle of its answer", shouldRetry: false),
        ForwardFailure.LedgerFull => Upstream(503, "the gateway cannot book this answer now", shouldRetry: true),
        _ => new(new(500, "the gateway failed on this request"), EndReason.Interrupted) { IsLogged = true },
    };

    /// <summary>How an exchange that failed so is booked.</summary>
    /// <param name="responseStarted">The client has been sent the start of a response.</param>
    public static EndReason EndOf(ForwardFailure failure, bool responseStarted)
    {
        EndReason end = Describe(failure).End;
        return end == EndReason.UpstreamCut && !responseStarted ? EndReason.UpstreamFailed : end;
    }

    private static FailureRow Client(int status, string message, EndReason end, bool isLogged = false) =>
        new(new(status, message), end) { IsLogged = isLogged };

    private static FailureRow Upstream(int status, string message, bool shouldRetry) =>
        new(new(status, message, shouldRetry), EndReason.UpstreamCut) { IsLogged = true };
}
