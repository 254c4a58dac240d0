namespace Proxy.Simulator.Scripting;

/// <summary>What message_delta repeats of the input-side usage.</summary>
public enum SimDeltaUsage
{
    Full,
    Minimal,
    Null,
}
