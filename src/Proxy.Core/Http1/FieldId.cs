namespace Proxy.Core.Http1;

/// <summary>The field names that the gateway acts upon; every other field is <see cref="Other"/> and passes untouched.</summary>
public enum FieldId : byte
{
    Other = 0,

    // Framing and routing.
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Expect,

    // Hop-by-hop (RFC 9110 §7.6.1): never forwarded in either direction.
    KeepAlive,
    ProxyConnection,
    ProxyAuthenticate,
    ProxyAuthorization,
    Te,
    Trailer,
    Upgrade,
    Http2Settings,

    // Credentials.
    Authorization,
    ApiKey,           // x-api-key
    GatewayKey,       // x-litellm-api-key
    GatewayPrivate,   // any other x-litellm-*
    ForeignApiKey,    // api-key, x-goog-api-key, ocp-apim-subscription-key
    PassAlias,        // x-pass-* (credentials.md row 31)
    Cookie,

    // Who the client says it came through: stripped (http-rules.md §9).
    Forwarding,       // forwarded, via, x-forwarded-*, x-real-ip

    // Read for metering and attribution, and still forwarded.
    AcceptEncoding,
    ContentEncoding,
    ContentType,
    Date,
    RequestId,        // request-id
    SessionId,        // x-claude-code-session-id
    AgentId,          // x-claude-code-agent-id
    ParentAgentId,    // x-claude-code-parent-agent-id
    CdnLoop,          // cdn-loop (RFC 8586)
    Tags,             // x-litellm-tags (comma separated request tags; read, never forwarded)
}
