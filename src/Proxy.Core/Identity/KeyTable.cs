using System.Buffers.Binary;
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
    /// <param name="adminKeyHash">SHA-256 (32 bytes) of the admin key, which is refused on the data port (credentials.md row 37); empty for none.</param>
    /// <exception cref="ArgumentException">A hash is malformed or there twice.</exception>
    public static KeyTable Create(IEnumerable<Principal> principals, ReadOnlySpan<byte> adminKeyHash = default)
    {
        ArgumentNullException.ThrowIfNull(principals);
        if (adminKeyHash.Length is not 0 and not SHA256.HashSizeInBytes)
        {
            throw new ArgumentException("The hash of the admin key is not 32 bytes.", nameof(adminKeyHash));
        }

        Principal[] all = [.. principals];
        byte[] hashes = new byte[all.Length * SHA256.HashSizeInBytes];
        int[] slots = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, all.Length * 2))];
        for (int i = 0; i < all.Length; i++)
        {
            Span<byte> hash = hashes.AsSpan(i * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes);
            if (Convert.FromHexString(all[i].KeyHash, hash, out _, out int written) != System.Buffers.OperationStatus.Done || written != hash.Length)
            {
                throw new ArgumentException($"The hash of the key '{all[i].KeyAlias}' is not 64 hexadecimal digits.", nameof(principals));
            }

            int slot = First(hash, slots.Length);
            while (slots[slot] != 0)
            {
                if (HashAt(hashes, slots[slot] - 1).SequenceEqual(hash))
                {
                    throw new ArgumentException($"The key '{all[i].KeyAlias}' is there twice.", nameof(principals));
                }

                slot = (slot + 1) & (slots.Length - 1);
            }

            slots[slot] = i + 1;
        }

        return new KeyTable(slots, hashes, all, adminKeyHash.ToArray());
    }

    /// <summary>The principal whose key these exact bytes are, or null.</summary>
    public Principal? Find(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (!TryHash(key, hash))
        {
            return null;
        }

        for (int slot = First(hash, _slots.Length); _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            int index = _slots[slot] - 1;
            if (CryptographicOperations.FixedTimeEquals(HashAt(_hashes, index), hash))
            {
                return _principals[index];
            }
        }

        return null;
    }

    public bool IsAdminKey(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        return _adminKeyHash.Length > 0 && TryHash(key, hash) && CryptographicOperations.FixedTimeEquals(_adminKeyHash, hash);
    }

    private static bool TryHash(ReadOnlySpan<byte> key, Span<byte> hash) =>
        key.Length <= MaxKeyLength && key.StartsWith("sk-"u8) && SHA256.HashData(key, hash) == hash.Length;

    // The hash is uniform already: its first bytes are the slot.
    private static int First(ReadOnlySpan<byte> hash, int slots) => BinaryPrimitives.ReadInt32LittleEndian(hash) & (slots - 1);

    private static ReadOnlySpan<byte> HashAt(byte[] hashes, int index) => hashes.AsSpan(index * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes);
}
