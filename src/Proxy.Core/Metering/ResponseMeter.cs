namespace Proxy.Core.Metering;

/// <summary>
/// Looks at a response body as it streams by and keeps the usage counters of its <see cref="SpendRecord"/> current. Owned by an exchange and
/// reused; never holds bytes back. Allocates nothing on identity-coded bodies; a compressed body is read by a side decoder.
/// </summary>
public sealed class ResponseMeter
{
    /// <summary>Starts on a body: which scanner looks at it follows from the record's path class, the status, Content-Type and Content-Encoding.</summary>
    public void Begin(SpendRecord record, int status, ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> contentEncoding) => throw new NotImplementedException();

    /// <summary>The next body bytes, in order, framing removed.</summary>
    public void Feed(ReadOnlySpan<byte> body) => throw new NotImplementedException();

    /// <summary>
    /// The body is over. When it was cut short, marks the record incomplete and estimates delivered output that no usage report covered.
    /// An <c>error</c> event seen in a stream sets <see cref="EndReason.UpstreamErrorEvent"/>.
    /// </summary>
    public void End(bool complete) => throw new NotImplementedException();
}
