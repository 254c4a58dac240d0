namespace Proxy.Core.Http1;

/// <summary>The methods the gateway tells apart; methods are case-sensitive (RFC 9110 §9.1).</summary>
public enum MethodId : byte
{
    Other = 0,
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}
