namespace Proxy.Core.Metering;

/// <summary>What a model costs when the prompt has more than <see cref="Threshold"/> tokens.</summary>
internal sealed record PriceTier(long Threshold, RateSet Standard, RateSet Batch, RateSet Priority);
