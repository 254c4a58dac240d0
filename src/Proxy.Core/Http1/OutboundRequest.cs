namespace Proxy.Core.Http1;

/// <summary>How a request leaves: everything about it that is the gateway's to decide. Lives on the stack for one write.</summary>
public ref struct OutboundRequest
{
    /// <summary>Path to send, raw; when empty, "/" is sent (so that the target never starts with "//" by concatenation, http-rules.md row 16).</summary>
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
