namespace Proxy.Core.Metering;

/// <summary><c>usage.service_tier</c>.</summary>
public enum ServiceTier : byte
{
    Unreported = 0,
    Standard,
    Priority,
    Batch,
    Other,
}
