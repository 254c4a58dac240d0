namespace Proxy.Simulator.Scripting;

/// <summary>Where chunks are broken.</summary>
public enum SimSplit
{
    None,
    Utf8,
    Usage,
    Byte,
}
