namespace Proxy.Core.Metering;

/// <summary>What a model costs from a moment on: its tiers by rising threshold, the first at 0.</summary>
internal sealed record PricePeriod(long FromUnixMs, PriceTier[] Tiers)
{
    public PriceTier TierFor(long promptTokens)
    {
        PriceTier found = Tiers[0];
        foreach (PriceTier tier in Tiers)
        {
            if (promptTokens > tier.Threshold)
            {
                found = tier;
            }
        }

        return found;
    }
}
