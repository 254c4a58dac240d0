using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Proxy.Core.Admission;

namespace Proxy.Core.Identity;

/// <summary>
/// Who a virtual key stands for: what records, roll-ups and the journal keep of a caller. What he may do is <see cref="Principal"/>.
/// Immutable; as bytes it is ready for the journal from the start.
/// </summary>
public sealed class KeyIdentity
{
    /// <summary>No identity has more bytes.</summary>
    internal const int MaxBytes = (5 * sizeof(ushort)) + (2 * MaxHash) + MaxAlias + MaxTeam + MaxUser;

    // Longer texts are cut, and only in the bytes: real ones have 36 (UUIDs) to 64 (hashes).
    internal const int MaxHash = 64;
    internal const int MaxAlias = 128;
    internal const int MaxTeam = 200;
    internal const int MaxUser = 254;

    private readonly byte[] _bytes;

    /// <param name="keyHash">SHA-256 of the key as LiteLLM writes it: 64 lower-case hexadecimal digits.</param>
    /// <param name="scopeId">What counters and budgets hang on: the hash of the first key of a chain of rotations; null for <paramref
    /// name="keyHash"/>.</param>
    public KeyIdentity(string keyHash, string? alias = null, string? teamId = null, string? userId = null, string? scopeId = null)
    {
        KeyHash = keyHash;
        ScopeId = scopeId ?? keyHash;
        Alias = alias;
        TeamId = teamId;
        UserId = userId;
        Span<byte> buffer = stackalloc byte[MaxBytes];
        int length = 0;
        Write(buffer, ref length, KeyHash, MaxHash);
        Write(buffer, ref length, ScopeId, MaxHash);
        Write(buffer, ref length, Alias, MaxAlias);
        Write(buffer, ref length, TeamId, MaxTeam);
        Write(buffer, ref length, UserId, MaxUser);
        _bytes = buffer[..length].ToArray();
    }

    /// <summary>Identifies the key in the ledger.</summary>
    public string KeyHash { get; }

    /// <summary>Identifies the key and all that replaced it.</summary>
    public string ScopeId { get; }

    public string? Alias { get; }

    public string? TeamId { get; }

    public string? UserId { get; }

    /// <summary>Everything above; what <see cref="TryRead(ReadOnlySpan{byte}, out KeyIdentity?)"/> reads.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>
    /// The scopes that a request of this key counts in, whether or not anybody limits them: the one enumeration that budgets, roll-ups and
    /// reports go by.
    /// </summary>
    /// <param name="model">The model asked; empty for none.</param>
    public IEnumerable<ScopeKey> ScopesFor(string model)
    {
        yield return new ScopeKey(ScopeKind.Key, ScopeId);
        if (TeamId is { } team)
        {
            yield return new ScopeKey(ScopeKind.Team, team);
            if (UserId is { } member)
            {
                yield return ScopeKey.OfMember(team, member);
            }
        }

        if (UserId is { } user)
        {
            yield return new ScopeKey(ScopeKind.User, user);
        }

        if (model.Length > 0)
        {
            yield return ScopeKey.OfModel(ScopeId, model);
        }
    }

    /// <summary>Reads what another process wrote of <see cref="Bytes"/>; false when these are not such bytes.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out KeyIdentity? identity)
    {
        identity = null;
        if (!TryRead(ref bytes, out string? hash) || !TryRead(ref bytes, out string? scope) || !TryRead(ref bytes, out string? alias)
            || !TryRead(ref bytes, out string? team) || !TryRead(ref bytes, out string? user) || !bytes.IsEmpty)
        {
            return false;
        }

        identity = new KeyIdentity(hash ?? "", alias, team, user, scope);
        return true;
    }

    /// <summary>A text as its length plus one and its UTF-8, cut between characters; 0 alone is null.</summary>
    private static void Write(Span<byte> buffer, ref int length, string? text, int maxLength)
    {
        int written = 0;
        if (text is not null)
        {
            _ = Utf8.FromUtf16(text, buffer.Slice(length + sizeof(ushort), maxLength), out _, out written);
        }

        BinaryPrimitives.WriteUInt16LittleEndian(buffer[length..], (ushort)(text is null ? 0 : written + 1));
        length += sizeof(ushort) + written;
    }

    private static bool TryRead(ref ReadOnlySpan<byte> rest, out string? text)
    {
        text = null;
        if (!BinaryPrimitives.TryReadUInt16LittleEndian(rest, out ushort length))
        {
            return false;
        }

        rest = rest[sizeof(ushort)..];
        if (length == 0)
        {
            return true;
        }

        if (rest.Length < length - 1)
        {
            return false;
        }

        text = Encoding.UTF8.GetString(rest[..(length - 1)]);
        rest = rest[(length - 1)..];
        return true;
    }
}

/// <summary>Names one scope: what a budget or a limit hangs on.</summary>
/// <param name="Id">The key's scope id, the team's or user's id; for a member and a model both parts, with "/" between.</param>
public readonly record struct ScopeKey(ScopeKind Kind, string Id)
{
    public static ScopeKey OfMember(string teamId, string userId) => new(ScopeKind.Member, $"{teamId}/{userId}");

    public static ScopeKey OfModel(string scopeId, string model) => new(ScopeKind.KeyModel, $"{scopeId}/{model}");
}
