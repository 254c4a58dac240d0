namespace Proxy.Core.Http1;

/// <summary>A parsed response head: offsets into the bytes that were parsed. Owned by a connection and reused; not thread-safe.</summary>
public sealed class ResponseHead
{
    // "HTTP/1.1 200 ": the space is there even before an empty reason (RFC 9112 §4).
    private const int ShortestStatusLine = 13;

    public FieldTable Fields { get; } = new();

    /// <summary>11 or 10.</summary>
    public int Version { get; private set; }

    /// <summary>100 to 599.</summary>
    public int Status { get; private set; }

    public Slice Reason { get; private set; }

    /// <summary>Framing with the request's method and the status taken into account (RFC 9112 §6.3).</summary>
    public BodyFraming Framing { get; private set; }

    /// <summary>Content-Length when the field is there (also on HEAD and 304, where no body follows), else -1.</summary>
    public long ContentLength { get; private set; }

    /// <summary>The upstream lets the connection persist.</summary>
    public bool KeepAlive { get; private set; }

    public bool IsInterim => Status is >= 100 and < 200;

    /// <summary>Parses a whole head. Never allocates.</summary>
    public HeadError Parse(ReadOnlySpan<byte> head, MethodId requestMethod, HeadLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        HeadError error = ParseStatusLine(head, out int fieldsOffset);
        if (error == HeadError.None)
        {
            error = Fields.Parse(head, fieldsOffset, limits, isRequest: false);
        }

        if (error == HeadError.None)
        {
            error = Fields.ReadConnection(head, refuseOwn: false);
        }

        return error == HeadError.None ? ReadFraming(head, requestMethod) : error;
    }

    private HeadError ParseStatusLine(ReadOnlySpan<byte> head, out int fieldsOffset)
    {
        fieldsOffset = 0;
        int length = head.IndexOf((byte)'\r');
        if (length < ShortestStatusLine - 1 || length + 1 == head.Length || head[length + 1] != '\n')
        {
            return HeadError.StatusLineMalformed;
        }

        ReadOnlySpan<byte> line = head[..length];
        fieldsOffset = length + 2;
        Version = line.StartsWith("HTTP/1.1 "u8) ? 11 : line.StartsWith("HTTP/1.0 "u8) ? 10 : 0;
        if (Version == 0 || line[9..12].ContainsAnyExcept(Characters.Digits))
        {
            return HeadError.StatusLineMalformed;
        }

        // The grammar wants a space behind the code, also before an absent reason (RFC 9112 §4); every client takes a line without it.
        ReadOnlySpan<byte> rest = line[(ShortestStatusLine - 1)..];
        if (!rest.IsEmpty && (rest[0] != ' ' || rest.ContainsAny(Characters.ForbiddenInValue)))
        {
            return HeadError.StatusLineMalformed;
        }

        Reason = rest.IsEmpty ? new Slice(length, 0) : new Slice(ShortestStatusLine, length - ShortestStatusLine);
        Status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + (line[11] - '0');
        return Status is >= 100 and <= 599 ? HeadError.None : HeadError.StatusCodeInvalid;
    }

    private HeadError ReadFraming(ReadOnlySpan<byte> head, MethodId requestMethod)
    {
        HeadError error = FramingRules.Read(Fields, head, Version, out BodyFraming framing, out long contentLength);
        if (error != HeadError.None)
        {
            return error;
        }

        ContentLength = contentLength;

        // No body, whatever the fields say (RFC 9112 §6.3 item 1).
        bool bodiless = requestMethod == MethodId.Head || IsInterim || Status is 204 or 304;
        Framing = bodiless ? BodyFraming.None : framing == BodyFraming.None ? BodyFraming.UntilClose : framing;
        KeepAlive = Version == 11 && !Fields.SaysClose && Framing != BodyFraming.UntilClose;
        return HeadError.None;
    }
}
