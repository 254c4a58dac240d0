namespace Proxy.Core.Http1;

/// <summary>
/// A parsed request head: offsets into the bytes that were parsed, no copies. Owned by a connection and reused; not thread-safe.
/// </summary>
public sealed class RequestHead
{
    public FieldTable Fields { get; } = new();

    public MethodId Method { get; private set; }

    public Slice MethodToken { get; private set; }

    /// <summary>The request target as sent.</summary>
    public Slice Target { get; private set; }

    /// <summary>Path of the target in origin form (RFC 9112 §3.2.1), raw bytes; for absolute-form the part after the authority ("/" is not added: empty when absent).</summary>
    public Slice Path { get; private set; }

    /// <summary>Query including its "?", or empty.</summary>
    public Slice Query { get; private set; }

    /// <summary>11 or 10.</summary>
    public int Version { get; private set; }

    public BodyFraming Framing { get; private set; }

    /// <summary>Bytes of the body when <see cref="Framing"/> is Length.</summary>
    public long ContentLength { get; private set; }

    /// <summary>The client lets the connection persist (RFC 9112 §9.3).</summary>
    public bool KeepAlive { get; private set; }

    /// <summary>Expect: 100-continue in an HTTP/1.1 request (RFC 9110 §10.1.1).</summary>
    public bool ExpectsContinue { get; private set; }

    /// <summary>
    /// Parses a whole head (final empty line included). Any error leaves the head unusable. Path rules of http-rules.md rows 11 to 18
    /// are judged here, routing is not. Never allocates.
    /// </summary>
    public HeadError Parse(ReadOnlySpan<byte> head, HeadLimits limits) => throw new NotImplementedException();
}
