namespace Proxy.Core.Http1;

/// <summary>A parsed response head: offsets into the bytes that were parsed. Owned by a connection and reused; not thread-safe.</summary>
public sealed class ResponseHead
{
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
    public HeadError Parse(ReadOnlySpan<byte> head, MethodId requestMethod, HeadLimits limits) => throw new NotImplementedException();
}
