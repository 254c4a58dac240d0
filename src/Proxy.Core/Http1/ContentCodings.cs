namespace Proxy.Core.Http1;

/// <summary>A set of content codings (RFC 9110 §8.4.1).</summary>
[Flags]
public enum ContentCodings : byte
{
    Identity = 0,
    Gzip = 1,
    Brotli = 2,
}
