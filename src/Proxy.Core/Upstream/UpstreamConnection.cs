namespace Proxy.Core.Upstream;

/// <summary>
/// One connection to an upstream: the seam below the exchange (design.md §8, seam 2). Bytes are plain text; TLS is the implementation's.
/// One reader and one writer may work at the same time; each side has one operation outstanding at most. Failures are
/// exceptions of the transport (<see cref="IsTransportFault"/>); after one the connection is only good for <see cref="Abort"/>.
/// </summary>
public abstract class UpstreamConnection
{
    protected UpstreamConnection(UpstreamEndpoint endpoint) => Endpoint = endpoint;

    public UpstreamEndpoint Endpoint { get; }

    /// <summary>What a broken, reset or aborted connection throws; anything else is a bug.</summary>
    public static bool IsTransportFault(Exception fault) =>
        fault is IOException or System.Net.Sockets.SocketException or ObjectDisposedException or OperationCanceledException;

    /// <summary>True when it has carried a request before this one (decides about retries).</summary>
    public bool IsReused { get; internal set; }

    /// <summary>
    /// Bytes handed to the operating system since <see cref="BeginRequest"/>; 0 means the upstream cannot have seen the request.
    /// </summary>
    public abstract long BytesSent { get; }

    /// <summary>Starts a new request: resets counters. Called by the exchange right after renting.</summary>
    public abstract void BeginRequest();

    /// <summary>
    /// A response of which long silences are expected (an event stream): the connection then holds no receive buffer while it waits, for
    /// the price
    /// of one more wake-up per read. Reset by <see cref="BeginRequest"/>.
    /// </summary>
    public abstract bool IsStreaming { get; set; }

    /// <summary>
    /// Completes when response bytes, the end of the stream, or an error can be read; the value says nothing. While pending, no buffer is
    /// asked for.
    /// At most one outstanding.
    /// </summary>
    public abstract ValueTask<int> WaitReadableAsync();

    /// <summary>
    /// Reads decrypted bytes. After <see cref="WaitReadableAsync"/> it normally completes at once. 0 is the end of the stream.
    /// </summary>
    public abstract ValueTask<int> ReadAsync(Memory<byte> destination);

    /// <summary>
    /// Free space at the end of the send buffer, at least <paramref name="sizeHint"/> bytes (at most <see cref="MaxSendHint"/>); rents the
    /// buffer on first use.
    /// </summary>
    public abstract Memory<byte> GetSendMemory(int sizeHint);

    /// <summary>The largest size hint <see cref="GetSendMemory"/> takes on an empty send buffer.</summary>
    public const int MaxSendHint = 64 * 1024;

    /// <summary>Appends what was written to the memory of <see cref="GetSendMemory"/>.</summary>
    public abstract void AdvanceSend(int count);

    /// <summary>Bytes appended and not yet flushed.</summary>
    public abstract int PendingSend { get; }

    /// <summary>
    /// Sends what was appended: as few TLS records and as few sends as it takes. Completes when the operating system has taken it all.
    /// </summary>
    public abstract ValueTask FlushAsync();

    /// <summary>The request is wholly sent: gives the send buffer back, cleared (it held a credential).</summary>
    public abstract void EndRequest();

    /// <summary>The pool's: begins to watch a connection that carries no request.</summary>
    protected internal abstract void BeginIdle();

    /// <summary>The pool's: nothing was received and nothing failed since <see cref="BeginIdle"/>.</summary>
    protected internal abstract bool IsIdleAndHealthy { get; }

    /// <summary>The pool's: when it was made and when it became idle, timestamps of its time provider.</summary>
    internal long CreatedAt { get; set; }

    internal long IdleSince { get; set; }

    /// <summary>Cuts the connection at once, from any thread, any number of times: outstanding operations fail.</summary>
    public abstract void Abort();
}

/// <summary>Makes connections. Implementations run off the I/O threads: name resolution, connect and handshake may take long.</summary>
public abstract class UpstreamDialer
{
    /// <exception cref="UpstreamException">Resolution, connect, TLS or one of their deadlines failed.</exception>
    public abstract Task<UpstreamConnection> DialAsync(UpstreamEndpoint endpoint, CancellationToken cancellationToken);
}
