namespace Proxy.Core.Metering;

/// <summary>What a model without a price costs, USD per million tokens (anthropic-api.md §5 rule 5). Cache writes and reads of an unknown model count as input.</summary>
public sealed record FallbackRates(decimal InputPerMillion = 5m, decimal OutputPerMillion = 25m);
