namespace Proxy.Core.Metering;

/// <summary>An entry of <c>x_price_history</c>: rates that hold from a moment (inclusive) until another (exclusive).</summary>
internal sealed class PriceChange
{
    public long FromUnixMs { get; set; } = long.MinValue;

    public long UntilUnixMs { get; set; } = long.MaxValue;

    public Dictionary<RateName, long> Rates { get; } = [];
}
