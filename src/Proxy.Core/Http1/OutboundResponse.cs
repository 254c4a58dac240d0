namespace Proxy.Core.Http1;

/// <summary>How a response head leaves towards the client.</summary>
public readonly struct OutboundResponse
{
    /// <summary>Framing towards the client; differs from the upstream's only for HTTP/1.0 clients, who get a chunked body until close.</summary>
    public BodyFraming Framing { get; init; }

    /// <summary>11 or 10: the client's version, which decides whether persistence must be stated.</summary>
    public int ClientVersion { get; init; }

    /// <summary>The client connection ends after this response.</summary>
    public bool Close { get; init; }
}
