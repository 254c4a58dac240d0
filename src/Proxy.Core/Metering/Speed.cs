namespace Proxy.Core.Metering;

/// <summary><c>usage.speed</c>: the served speed, which is what is billed.</summary>
public enum Speed : byte
{
    Unreported = 0,
    Standard,
    Fast,
    Other,
}
