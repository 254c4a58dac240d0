namespace Proxy.Simulator.Scripting;

/// <summary>Content coding of the answer.</summary>
public enum SimCoding
{
    Identity,
    Gzip,
    Brotli,
    Auto,
}
