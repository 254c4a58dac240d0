namespace Proxy.Core.Http1;

/// <summary>What <see cref="HeadScanner"/> found.</summary>
public enum HeadEnd : byte
{
    Incomplete,
    Complete,
    Malformed,
}
