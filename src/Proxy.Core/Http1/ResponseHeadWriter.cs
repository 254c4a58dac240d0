namespace Proxy.Core.Http1;

/// <summary>Writes a response head towards the client anew from the parsed one, without the upstream's hop-by-hop fields.</summary>
public static class ResponseHeadWriter
{
    /// <summary>Writes a final or interim head. Pure; never allocates.</summary>
    /// <returns>The number of bytes written, or -1 when <paramref name="destination"/> is too small.</returns>
    public static int Write(Span<byte> destination, ReadOnlySpan<byte> head, ResponseHead parsed, in OutboundResponse outbound) => throw new NotImplementedException();
}
