namespace Proxy.Core.Http1;

/// <summary>How the end of a body is found (RFC 9112 §6.3).</summary>
public enum BodyFraming : byte
{
    /// <summary>No body.</summary>
    None = 0,

    /// <summary>Exactly Content-Length bytes; 0 is a body of no bytes.</summary>
    Length,

    /// <summary>Transfer-Encoding: chunked.</summary>
    Chunked,

    /// <summary>Everything until the connection closes; responses only.</summary>
    UntilClose,
}
