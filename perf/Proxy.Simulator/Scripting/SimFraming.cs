namespace Proxy.Simulator.Scripting;

/// <summary>How the end of the body is told.</summary>
public enum SimFraming
{
    Length,
    Chunked,
    Close,
}
