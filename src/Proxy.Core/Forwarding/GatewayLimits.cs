using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Metering;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Deadlines and sizes of the data path (design.md decision 15, http-rules.md §7). Immutable. Deadlines have the precision of the coarse
/// timer.
/// </summary>
public sealed record GatewayLimits
{
    public HeadLimits RequestHead { get; init; } = HeadLimits.Request;

    public HeadLimits ResponseHead { get; init; } = HeadLimits.Response;

    /// <summary>What surrounds the data of a chunked body, in both directions.</summary>
    public ChunkLimits Chunks { get; init; } = ChunkLimits.Default;

    /// <summary>Client connections at once; the next is refused.</summary>
    public int MaxConnections { get; init; } = 20_000;

    /// <summary>
    /// Client connections at once from one IPv4 address or IPv6 /64. Not limited unless asked for: an office, or a proxy, is one address.
    /// </summary>
    public int MaxConnectionsPerAddress { get; init; } = int.MaxValue;

    /// <summary>From a connection being opened to the first byte of its first request.</summary>
    public TimeSpan FirstByteTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whole request head, from its first byte.</summary>
    public TimeSpan HeadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between requests.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Without a byte of a request body that is still to come, or without the upstream taking any.</summary>
    public TimeSpan RequestBodyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>From the request being sent to the first byte of its response: non-streamed inference takes up to 10 minutes.</summary>
    public TimeSpan ResponseHeadTimeout { get; init; } = TimeSpan.FromSeconds(660);

    /// <summary>Without a byte in a response that has begun; above the 300 s after which Claude Code gives up.</summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(330);

    /// <summary>Without the client taking a byte of a response that waits for it.</summary>
    public TimeSpan ClientReadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Behind the last answer of a connection, and a refusal: how long the client may pause while what it still sends is read and thrown
    /// away, so that
    /// the answer is not lost to a reset (RFC 9112 §9.6). In all at most <see cref="LongestLinger"/>.
    /// </summary>
    public TimeSpan LingerTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What a client that never pauses is read for.</summary>
    public TimeSpan LongestLinger => 5 * LingerTimeout;

    /// <summary>How many bytes of an unwanted request body are read and thrown away to keep the connection.</summary>
    public int MaxDiscardedBody { get; init; } = 64 * 1024;

    /// <summary>Bytes of a request body of any kind that has no limit of its own; above it 413.</summary>
    public long MaxRequestBody { get; init; } = 512L * 1024 * 1024;

    /// <summary>Bytes of a request for inference or for counting its tokens; the API takes no more (anthropic-api.md §1).</summary>
    public long MaxMessageBody { get; init; } = 32L * 1024 * 1024;

    /// <summary>Bytes of a new batch.</summary>
    public long MaxBatchBody { get; init; } = 256L * 1024 * 1024;

    /// <summary>Bytes of a file.</summary>
    public long MaxFileBody { get; init; } = 500L * 1024 * 1024;

    /// <summary>
    /// How much of a body is held back until its model is known, for a key that may use only certain models. A body whose model comes later
    /// goes on, all but its last byte, which leaves when the model proved to be allowed.
    /// </summary>
    public int ModelPrefix { get; init; } = 64 * 1024;

    /// <summary>What a request is reckoned to put out while its <c>max_tokens</c> is not known, in tokens.</summary>
    public int AssumedMaxTokens { get; init; } = 8192;

    /// <summary>What budgets that do not say it set aside for requests under way.</summary>
    public ReserveMode Reserve { get; init; }

    /// <summary>
    /// What a client has to send of a request body in a second, on average: judged behind <see cref="RequestBodyTimeout"/> of waiting for
    /// it, and behind
    /// <see cref="LongestLinger"/> of reading what nobody wants. 0 for no rate.
    /// </summary>
    public int MinRequestBytesPerSecond { get; init; } = 1024;

    /// <summary>Refusals of callers without a key, or with an unknown one, that are booked in a minute; all are counted.</summary>
    public int BookedUnauthenticatedPerMinute { get; init; } = 600;

    /// <summary>
    /// Bytes that a coded answer may unpack to in the meter, unless it shrank as text does (<see cref="ResponseMeter.MaxDecodedBytes"/>).
    /// </summary>
    public long MaxDecodedAnswer { get; init; } = ResponseMeter.DefaultMaxDecodedBytes;

    /// <summary>Interim (1xx) responses to one request; more are a 502.</summary>
    public int MaxInterimResponses { get; init; } = 20;

    /// <summary>Content codings that the meter can read; others are not offered to the upstream.</summary>
    public ContentCodings AcceptedCodings { get; init; } = ContentCodings.Gzip | ContentCodings.Brotli;

    /// <summary>Whether so many bytes in that time, in milliseconds, keep the rate that a request body has to keep.</summary>
    internal bool IsSteady(long bytes, long passedMs) =>
        MinRequestBytesPerSecond > 0 && bytes >= (Int128)MinRequestBytesPerSecond * passedMs / 1000;

    /// <summary>The largest body of a kind of work: its own limit, and never more than <see cref="MaxRequestBody"/>.</summary>
    public long MaxBodyOf(PathClass path) => Math.Min(MaxRequestBody, path switch
    {
        PathClass.Messages or PathClass.CountTokens or PathClass.ChatCompletions or PathClass.Completions => MaxMessageBody,
        PathClass.BatchCreation => MaxBatchBody,
        PathClass.Files => MaxFileBody,
        _ => MaxRequestBody,
    });
}
