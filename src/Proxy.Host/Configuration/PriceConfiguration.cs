using Proxy.Core.Pricing;

namespace Proxy.Host.Configuration;

/// <summary>Where prices come from; without a file the ones that ship.</summary>
internal sealed record PriceConfiguration
{
    public string? File { get; init; }

    public FallbackRates Fallback { get; init; } = new();
}
