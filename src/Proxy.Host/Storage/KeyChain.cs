namespace Proxy.Host.Storage;

/// <summary>A key with all its values: the current one, and those that it replaced and that may still open the door. One key, one set of rules.</summary>
internal sealed record KeyChain(KeyRow Current, IReadOnlyList<KeyRow> Older)
{
    /// <summary>No current value is there: whoever took it away took the key.</summary>
    public bool IsOrphan => Current.ReplacedBy is not null;

    public IEnumerable<KeyRow> Values => Older.Append(Current);

    /// <summary>In the order of the rows.</summary>
    public static IReadOnlyList<KeyChain> Of(IEnumerable<KeyRow> rows)
    {
        List<KeyChain> chains = [];
        foreach (IGrouping<string, KeyRow> scope in rows.GroupBy(row => row.ScopeId, StringComparer.Ordinal))
        {
            KeyRow[] all = [.. scope];
            KeyRow current = all.LastOrDefault(row => row.ReplacedBy is null) ?? all[^1];

            // Two that nobody replaced share counters only: an editor of the database made them so.
            chains.AddRange(all.Where(row => row.ReplacedBy is null && row != current).Select(row => new KeyChain(row, [])));
            chains.Add(new KeyChain(current, [.. all.Where(row => row.ReplacedBy is not null && row != current)]));
        }

        return chains;
    }

    /// <summary>Each value as it is judged: the rules are the current value's; only its own end can come sooner.</summary>
    public IEnumerable<KeyRow> InForce() => Values.Select(value => Current with
    {
        Hash = value.Hash,
        Name = value.Name,
        ReplacedBy = value.ReplacedBy,
        Blocked = Current.Blocked || value.Blocked || IsOrphan,
        ExpiresAtMs = EndOf(value),
    });

    /// <summary>Unix milliseconds; null for never.</summary>
    public long? EndOf(KeyRow value) =>
        value.ExpiresAtMs is { } own && Current.ExpiresAtMs is { } all ? Math.Min(own, all) : value.ExpiresAtMs ?? Current.ExpiresAtMs;
}
