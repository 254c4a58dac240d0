using System.Text;

namespace Proxy.Core.Http1;

/// <summary>Recognises the field names that the gateway acts upon, in any case (RFC 9110 §5.1). Never allocates.</summary>
public static class FieldNames
{
    private const int LongestKnown = 32;

    public static FieldId Identify(ReadOnlySpan<byte> name)
    {
        FieldId id = name.Length switch
        {
            2 => Match(name, "te"u8, FieldId.Te),
            3 => Match(name, "via"u8, FieldId.Forwarding),
            4 => Match(name, "host"u8, FieldId.Host, "date"u8, FieldId.Date),
            6 => Match(name, "cookie"u8, FieldId.Cookie, "expect"u8, FieldId.Expect),
            7 => Match(name, "trailer"u8, FieldId.Trailer, "upgrade"u8, FieldId.Upgrade, "api-key"u8, FieldId.ForeignApiKey),
            8 => Match(name, "cdn-loop"u8, FieldId.CdnLoop),
            9 => Match(name, "x-api-key"u8, FieldId.ApiKey, "forwarded"u8, FieldId.Forwarding, "x-real-ip"u8, FieldId.Forwarding),
            10 => Match(name, "connection"u8, FieldId.Connection, "keep-alive"u8, FieldId.KeepAlive, "request-id"u8, FieldId.RequestId),
            12 => Match(name, "content-type"u8, FieldId.ContentType),
            13 => Match(name, "authorization"u8, FieldId.Authorization),
            14 =>
                Match(
                    name,
                    "content-length"u8, FieldId.ContentLength,
                    "http2-settings"u8, FieldId.Http2Settings,
                    "x-goog-api-key"u8, FieldId.ForeignApiKey,
                    "x-litellm-tags"u8, FieldId.Tags),
            15 => Match(name, "accept-encoding"u8, FieldId.AcceptEncoding),
            16 => Match(name, "content-encoding"u8, FieldId.ContentEncoding, "proxy-connection"u8, FieldId.ProxyConnection),
            17 => Match(name, "transfer-encoding"u8, FieldId.TransferEncoding, "x-litellm-api-key"u8, FieldId.GatewayKey),
            18 => Match(name, "proxy-authenticate"u8, FieldId.ProxyAuthenticate),
            19 => Match(name, "proxy-authorization"u8, FieldId.ProxyAuthorization),
            22 => Match(name, "x-claude-code-agent-id"u8, FieldId.AgentId),
            24 => Match(name, "x-claude-code-session-id"u8, FieldId.SessionId),
            25 => Match(name, "ocp-apim-subscription-key"u8, FieldId.ForeignApiKey),
            29 => Match(name, "x-claude-code-parent-agent-id"u8, FieldId.ParentAgentId),
            _ => FieldId.Other,
        };
        return id != FieldId.Other || (name[0] | 0x20) != 'x' ? id : IdentifyPrefix(name);
    }

    /// <summary>
    /// The field of ours that a lenient reader, who takes "_" for "-", would see in this name (http-rules.md row 28, CVE-2025-64484); Other
    /// when there is none.
    /// </summary>
    public static FieldId AliasOf(ReadOnlySpan<byte> name)
    {
        if (!name.Contains((byte)'_'))
        {
            return FieldId.Other;
        }

        Span<byte> dashed = stackalloc byte[LongestKnown];
        int length = Math.Min(name.Length, LongestKnown);
        name[..length].CopyTo(dashed);
        dashed[..length].Replace((byte)'_', (byte)'-');
        return Identify(dashed[..length]);
    }

    private static FieldId IdentifyPrefix(ReadOnlySpan<byte> name) =>
        StartsWith(name, "x-litellm-"u8) ? FieldId.GatewayPrivate
        : StartsWith(name, "x-pass-"u8) ? FieldId.PassAlias
        : StartsWith(name, "x-forwarded-"u8) ? FieldId.Forwarding
        : FieldId.Other;

    private static bool StartsWith(ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix) =>
        name.Length >= prefix.Length && Ascii.EqualsIgnoreCase(name[..prefix.Length], prefix);

    private static FieldId Match(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known, FieldId id) =>
        Ascii.EqualsIgnoreCase(name, known) ? id : FieldId.Other;

    private static FieldId Match(
        ReadOnlySpan<byte> name, ReadOnlySpan<byte> first, FieldId firstId, ReadOnlySpan<byte> second, FieldId secondId)
    {
        FieldId id = Match(name, first, firstId);
        return id != FieldId.Other ? id : Match(name, second, secondId);
    }

    private static FieldId Match(
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> first, FieldId firstId,
        ReadOnlySpan<byte> second, FieldId secondId,
        ReadOnlySpan<byte> third, FieldId thirdId)
    {
        FieldId id = Match(name, first, firstId, second, secondId);
        return id != FieldId.Other ? id : Match(name, third, thirdId);
    }

    private static FieldId Match(
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> first, FieldId firstId,
        ReadOnlySpan<byte> second, FieldId secondId,
        ReadOnlySpan<byte> third, FieldId thirdId,
        ReadOnlySpan<byte> fourth, FieldId fourthId)
    {
        FieldId id = Match(name, first, firstId, second, secondId, third, thirdId);
        return id != FieldId.Other ? id : Match(name, fourth, fourthId);
    }
}
