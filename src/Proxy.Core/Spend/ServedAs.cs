namespace Proxy.Core.Spend;

/// <summary><c>usage.service_tier</c>.</summary>
public enum ServiceTier : byte
{
    Unreported = 0,
    Standard,
    Priority,
    Batch,
    Other,
}

/// <summary><c>usage.speed</c>: the served speed, which is what is billed.</summary>
public enum Speed : byte
{
    Unreported = 0,
    Standard,
    Fast,
    Other,
}

/// <summary><c>usage.inference_geo</c>.</summary>
public enum InferenceGeo : byte
{
    Unreported = 0,
    Global,
    Us,
    Other,
}
