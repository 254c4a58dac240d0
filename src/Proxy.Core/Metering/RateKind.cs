namespace Proxy.Core.Metering;

/// <summary>The kinds of tokens that have a price of their own.</summary>
internal enum RateKind : byte
{
    Input = 0,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
    Output,
}
