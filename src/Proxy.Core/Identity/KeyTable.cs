namespace Proxy.Core.Identity;

/// <summary>All virtual keys, by hash. Immutable; lookups are lock-free and never allocate.</summary>
public sealed class KeyTable
{
    /// <summary>Builds the table.</summary>
    /// <param name="adminKeyHash">SHA-256 (32 bytes) of the admin key, which is refused on the data port (credentials.md row 37); empty for none.</param>
    /// <exception cref="ArgumentException">A hash is malformed or there twice.</exception>
    public static KeyTable Create(IEnumerable<Principal> principals, ReadOnlySpan<byte> adminKeyHash = default) => throw new NotImplementedException();

    public int Count => throw new NotImplementedException();

    /// <summary>The principal whose key these exact bytes are, or null.</summary>
    public Principal? Find(ReadOnlySpan<byte> key) => throw new NotImplementedException();

    public bool IsAdminKey(ReadOnlySpan<byte> key) => throw new NotImplementedException();
}
