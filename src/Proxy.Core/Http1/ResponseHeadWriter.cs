namespace Proxy.Core.Http1;

/// <summary>Writes a response head towards the client anew from the parsed one, without the upstream's hop-by-hop fields.</summary>
public static class ResponseHeadWriter
{
    /// <summary>Writes a final or interim head. Pure; never allocates.</summary>
    /// <returns>The number of bytes written, or -1 when <paramref name="destination"/> is too small.</returns>
    public static int Write(Span<byte> destination, ReadOnlySpan<byte> head, ResponseHead parsed, in OutboundResponse outbound)
    {
        ArgumentNullException.ThrowIfNull(parsed);
        SpanWriter writer = new(destination);
        writer.Write("HTTP/1.1 "u8);
        writer.Write(parsed.Status);
        writer.Write(" "u8);
        writer.Write(parsed.Reason.Of(head));
        writer.Write("\r\n"u8);

        FieldTable fields = parsed.Fields;
        for (int i = 0; i < fields.Count; i++)
        {
            ref readonly HeaderField field = ref fields[i];
            if (IsForwarded(field.Id) && !fields.IsNominated(i))
            {
                writer.WriteField(head, field);
            }
        }

        // On HEAD and 304 the length says what a GET would have got (RFC 9110 §8.6); 1xx and 204 have none.
        bool tellsLength = outbound.Framing == BodyFraming.Length
            || (outbound.Framing == BodyFraming.None && !parsed.IsInterim && parsed.Status != 204);
        if (tellsLength && parsed.ContentLength >= 0)
        {
            writer.Write("Content-Length: "u8);
            writer.Write(parsed.ContentLength);
            writer.Write("\r\n"u8);
        }
        else if (outbound.Framing == BodyFraming.Chunked)
        {
            writer.Write("Transfer-Encoding: chunked\r\n"u8);
        }

        if (outbound.Close && !parsed.IsInterim)
        {
            writer.Write("Connection: close\r\n"u8);
        }

        writer.Write("\r\n"u8);
        return writer.Result;
    }

    private static bool IsForwarded(FieldId id) => id switch
    {
        FieldId.ContentLength or FieldId.TransferEncoding or FieldId.Connection or FieldId.KeepAlive or FieldId.ProxyConnection
            or FieldId.ProxyAuthenticate or FieldId.ProxyAuthorization or FieldId.Te or FieldId.Trailer
            or FieldId.Upgrade or FieldId.Http2Settings =>
                false,
        _ => true,
    };
}

/// <summary>How a response head leaves towards the client.</summary>
public readonly struct OutboundResponse
{
    /// <summary>
    /// Framing towards the client; differs from the upstream's only for HTTP/1.0 clients, who get a chunked body until close.
    /// </summary>
    public BodyFraming Framing { get; init; }

    /// <summary>11 or 10: the client's version, which decides whether persistence must be stated.</summary>
    public int ClientVersion { get; init; }

    /// <summary>The client connection ends after this response.</summary>
    public bool Close { get; init; }
}
