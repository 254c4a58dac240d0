namespace Proxy.Core.Http1;

/// <summary>
/// Writes the head that leaves for the upstream anew from the parsed one: names, order, case and value bytes of forwarded fields kept, line
/// structure ours.
/// </summary>
public static class RequestHeadWriter
{
    /// <summary>Writes the head. Pure; never allocates.</summary>
    /// <returns>The number of bytes written, or -1 when <paramref name="destination"/> is too small.</returns>
    public static int Write(Span<byte> destination, ReadOnlySpan<byte> head, RequestHead parsed, in OutboundRequest outbound)
    {
        ArgumentNullException.ThrowIfNull(parsed);
        SpanWriter writer = new(destination);
        writer.Write(parsed.MethodToken.Of(head));
        writer.Write(" "u8);
        writer.Write(outbound.Path.IsEmpty ? "/"u8 : outbound.Path);
        writer.Write(outbound.Query);
        writer.Write(" HTTP/1.1\r\nHost: "u8);
        writer.Write(outbound.Authority);
        writer.Write("\r\n"u8);

        bool offersCoding = false;
        FieldTable fields = parsed.Fields;
        for (int i = 0; i < fields.Count; i++)
        {
            ref readonly HeaderField field = ref fields[i];
            if (Mentions(field.Line.Of(head), outbound.GatewayKey))
            {
                continue;
            }

            if (field.Id == FieldId.AcceptEncoding)
            {
                offersCoding |= WriteAcceptEncoding(ref writer, head, field, outbound.AcceptedCodings);
            }
            else if (IsForwarded(field.Id, parsed, outbound) && !fields.IsNominated(i))
            {
                writer.WriteField(head, field);
            }
        }

        if (!offersCoding)
        {
            // No field at all would let the upstream choose any coding (RFC 9110 §12.5.3), also one that the meter cannot read.
            writer.Write("Accept-Encoding: identity\r\n"u8);
        }

        writer.Write(outbound.LoopLine);
        writer.Write(outbound.CredentialLine);
        if (parsed.Framing == BodyFraming.Length)
        {
            writer.Write("Content-Length: "u8);
            writer.Write(parsed.ContentLength);
            writer.Write("\r\n"u8);
        }
        else if (parsed.Framing == BodyFraming.Chunked)
        {
            writer.Write("Transfer-Encoding: chunked\r\n"u8);
        }

        writer.Write("\r\n"u8);
        return writer.Result;
    }

    private static bool IsForwarded(FieldId id, RequestHead parsed, in OutboundRequest outbound) => id switch
    {
        FieldId.Other or FieldId.ContentEncoding or FieldId.ContentType or FieldId.Date or FieldId.RequestId
            or FieldId.SessionId or FieldId.AgentId or FieldId.ParentAgentId or FieldId.CdnLoop => true,
        FieldId.Authorization => outbound.ForwardAuthorization,
        FieldId.ApiKey => outbound.ForwardApiKey,
        FieldId.Expect => parsed.ExpectsContinue,
        _ => false,
    };

    // A key of ours never leaves, whatever the field is called, and not in a name or a weight either (http-rules.md row 63).
    private static bool Mentions(ReadOnlySpan<byte> line, ReadOnlySpan<byte> key) =>
        !key.IsEmpty && line.Length >= key.Length && line.IndexOf(key) >= 0;

    /// <summary>The client's offer without the codings that the meter cannot read (design.md decision 4); weights stay.</summary>
    private static bool WriteAcceptEncoding(ref SpanWriter writer, ReadOnlySpan<byte> head, in HeaderField field, ContentCodings accepted)
    {
        bool any = false;
        ReadOnlySpan<byte> rest = field.Value.Of(head);
        while (!rest.IsEmpty)
        {
            int comma = rest.IndexOf((byte)',');
            ReadOnlySpan<byte> offer = (comma < 0 ? rest : rest[..comma]).Trim(Characters.Ows);
            rest = comma < 0 ? default : rest[(comma + 1)..];
            int weight = offer.IndexOf((byte)';');
            if (!IsReadable((weight < 0 ? offer : offer[..weight]).Trim(Characters.Ows), accepted))
            {
                continue;
            }

            writer.Write(any ? ", "u8 : field.Name.Of(head));
            if (!any)
            {
                writer.Write(": "u8);
            }

            writer.Write(offer);
            any = true;
        }

        if (any)
        {
            writer.Write("\r\n"u8);
        }

        return any;
    }

    private static bool IsReadable(ReadOnlySpan<byte> name, ContentCodings accepted) =>
        !name.IsEmpty && ContentCodingNames.TryFind(name, out ContentCodings coding) && (coding & accepted) == coding;
}

/// <summary>How a request leaves: everything about it that is the gateway's to decide. Lives on the stack for one write.</summary>
public ref struct OutboundRequest
{
    /// <summary>
    /// Path to send, raw; when empty, "/" is sent (so that the target never starts with "//" by concatenation, http-rules.md row 16).
    /// </summary>
    public ReadOnlySpan<byte> Path;

    /// <summary>Query including "?", or empty.</summary>
    public ReadOnlySpan<byte> Query;

    /// <summary>Value of Host: the configured authority of the upstream.</summary>
    public ReadOnlySpan<byte> Authority;

    /// <summary>The client's Authorization field is the one credential and leaves.</summary>
    public bool ForwardAuthorization;

    /// <summary>The client's x-api-key field is the one credential and leaves.</summary>
    public bool ForwardApiKey;

    /// <summary>A whole field line with CRLF that carries the company's credential, or empty.</summary>
    public ReadOnlySpan<byte> CredentialLine;

    /// <summary>The caller's virtual key: any field line that contains it is dropped.</summary>
    public ReadOnlySpan<byte> GatewayKey;

    /// <summary>A whole field line with CRLF that names this gateway to itself (RFC 8586).</summary>
    public ReadOnlySpan<byte> LoopLine;

    /// <summary>Content codings that the meter can read.</summary>
    public ContentCodings AcceptedCodings;
}
