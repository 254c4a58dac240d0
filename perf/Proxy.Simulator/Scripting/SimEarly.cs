namespace Proxy.Simulator.Scripting;

/// <summary>Whether, and as what, the answer comes before the request body was read.</summary>
public enum SimEarly
{
    No,
    Json,
    Sse,
}
