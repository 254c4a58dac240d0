namespace Proxy.Core.Metering;

/// <summary>The service tiers that have price fields of their own.</summary>
internal enum RateVariant : byte
{
    Standard = 0,
    Batch,
    Priority,
}
