using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Proxy.Core.Identity;

/// <summary>All virtual keys, by hash. Immutable; lookups are lock-free and never allocate.</summary>
public sealed class KeyTable
{
    /// <summary>Longer values are no keys of ours; they are not even hashed.</summary>
    private const int MaxKeyLength = 512;

    private readonly int[] _slots;
    private readonly byte[] _hashes;
    private readonly Principal[] _principals;
    private readonly byte[] _adminKeyHash;

    private KeyTable(int[] slots, byte[] hashes, Principal[] principals, byte[] adminKeyHash)
    {
        _slots = slots;
        _hashes = hashes;
        _principals = principals;
        _adminKeyHash = adminKeyHash;
    }

    public int Count => _principals.Length;

    /// <summary>Builds the table.</summary>
    /// <param name="adminKeyHash">SHA-256 (32 bytes) of the admin key, which is refused on the data port (credentials.md row 37); empty for
    /// none.</param>
    /// <exception cref="ArgumentException">A hash is malformed, there twice, or that of the admin key. The message has the key's
    /// alias.</exception>
    public static KeyTable Create(IEnumerable<Principal> principals, ReadOnlySpan<byte> adminKeyHash = default)
    {
        ArgumentNullException.ThrowIfNull(principals);
        if (adminKeyHash.Length is not 0 and not SHA256.HashSizeInBytes)
        {
            throw new ArgumentException("The hash of the admin key is not 32 bytes.", nameof(adminKeyHash));
        }

        Principal[] all = [.. principals];
        byte[] hashes = new byte[all.Length * SHA256.HashSizeInBytes];
        // At most half full, so that a probe meets an empty slot after a step or two.
        int[] slots = new int[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, all.Length * 2))];
        for (int i = 0; i < all.Length; i++)
        {
            Span<byte> hash = hashes.AsSpan(i * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes);
            if (!TryParse(all[i].Key.KeyHash, hash))
            {
                throw new ArgumentException(
                    $"The hash of the key '{NameOf(all[i])}' is not 64 lower-case hexadecimal digits.", nameof(principals));
            }

            if (hash.SequenceEqual(adminKeyHash))
            {
                throw new ArgumentException($"The key '{NameOf(all[i])}' is the admin key.", nameof(principals));
            }

            int slot = First(hash, slots.Length);
            for (; slots[slot] != 0; slot = Next(slot, slots.Length))
            {
                if (HashAt(hashes, slots[slot] - 1).SequenceEqual(hash))
                {
                    string other = NameOf(all[slots[slot] - 1]);
                    throw new ArgumentException($"The keys '{other}' and '{NameOf(all[i])}' are the same key.", nameof(principals));
                }
            }

            slots[slot] = i + 1;
        }

        return new KeyTable(slots, hashes, all, adminKeyHash.ToArray());
    }

    /// <summary>The principal whose key these exact bytes are, or null.</summary>
    public Principal? Find(ReadOnlySpan<byte> key)
    {
        TryIdentify(key, out Principal? principal);
        return principal;
    }

    public bool IsAdminKey(ReadOnlySpan<byte> key) => TryIdentify(key, out Principal? principal) && principal is null;

    /// <summary>Whether these exact bytes are a key of ours. Hashes once.</summary>
    /// <param name="principal">Whose key it is; null with a result of true for the admin key.</param>
    public bool TryIdentify(ReadOnlySpan<byte> key, out Principal? principal)
    {
        principal = null;
        if (key.Length > MaxKeyLength || !key.StartsWith("sk-"u8))
        {
            return false;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, hash);
        for (int slot = First(hash, _slots.Length); _slots[slot] != 0; slot = Next(slot, _slots.Length))
        {
            int index = _slots[slot] - 1;
            if (CryptographicOperations.FixedTimeEquals(HashAt(_hashes, index), hash))
            {
                principal = _principals[index];
                return true;
            }
        }

        return CryptographicOperations.FixedTimeEquals(_adminKeyHash, hash);
    }

    // The ledger identifies a key by this text: a second spelling of it would be a second key there.
    private static bool TryParse(string text, Span<byte> hash) =>
        text is { Length: SHA256.HashSizeInBytes * 2 } && !text.AsSpan().ContainsAnyInRange('A', 'F')
        && Convert.FromHexString(text, hash, out _, out _) == OperationStatus.Done;

    // Never the hash: a message ends in logs.
    private static string NameOf(Principal principal) => principal.Key.Alias ?? "(no alias)";

    private static int Next(int slot, int slots) => (slot + 1) & (slots - 1);

    // The hash is uniform already: its first bytes are the slot.
    private static int First(ReadOnlySpan<byte> hash, int slots) => BinaryPrimitives.ReadInt32LittleEndian(hash) & (slots - 1);

    private static ReadOnlySpan<byte> HashAt(byte[] hashes, int index) =>
        hashes.AsSpan(index * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes);
}
