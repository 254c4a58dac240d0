namespace Proxy.Core.Metering;

/// <summary><c>usage.inference_geo</c>.</summary>
public enum InferenceGeo : byte
{
    Unreported = 0,
    Global,
    Us,
    Other,
}
