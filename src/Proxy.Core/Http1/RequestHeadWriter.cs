namespace Proxy.Core.Http1;

/// <summary>Writes the head that leaves for the upstream anew from the parsed one: names, order, case and value bytes of forwarded fields kept, line structure ours.</summary>
public static class RequestHeadWriter
{
    /// <summary>Writes the head. Pure; never allocates.</summary>
    /// <returns>The number of bytes written, or -1 when <paramref name="destination"/> is too small.</returns>
    public static int Write(Span<byte> destination, ReadOnlySpan<byte> head, RequestHead parsed, in OutboundRequest outbound) => throw new NotImplementedException();
}
