namespace Proxy.Host.Composition;

/// <summary>Keys that this start made, in clear: shown once, on standard output, and nowhere else. Null where there was one already. A class and not a record, which would print them.</summary>
internal sealed class FirstRunKeys(string? adminKey, string? virtualKey)
{
    public string? AdminKey { get; } = adminKey;

    public string? VirtualKey { get; } = virtualKey;
}
