namespace Proxy.Simulator.Scripting;

/// <summary>How a scripted cut ends the connection.</summary>
public enum SimCut
{
    Close,
    Reset,
}
