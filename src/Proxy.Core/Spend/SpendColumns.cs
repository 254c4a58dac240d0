using Proxy.Core.Identity;

namespace Proxy.Core.Spend;

/// <summary>How a column's value is kept.</summary>
public enum SpendColumnKind : byte
{
    /// <summary><see cref="SpendRecord.Id"/>, 16 bytes, big-endian.</summary>
    Id,

    /// <summary>A number; flags too.</summary>
    Number,

    /// <summary>A value of an enum: a byte in the journal, its word in the ledger.</summary>
    Word,

    /// <summary>A text that came from the network, in a field of the record.</summary>
    Text,

    /// <summary>A text of the gateway's own.</summary>
    Name,

    /// <summary>A part of who called; the journal keeps <see cref="KeyIdentity"/> as a whole.</summary>
    Caller,
}

/// <summary>The word that stands for a value of the record, as UTF-8.</summary>
public delegate ReadOnlySpan<byte> WordReader(SpendRecord record);

/// <summary>
/// One thing that is kept of a request: its name in the ledger, and how to get at it. Which accessors it has follows from <see
/// cref="Kind"/>.
/// </summary>
public sealed class SpendColumn
{
    private SpendColumn(string name, SpendColumnKind kind)
    {
        Name = name;
        Kind = kind;
    }

    public string Name { get; }

    public SpendColumnKind Kind { get; }

    /// <summary>Of <see cref="SpendColumnKind.Number"/>, and of <see cref="SpendColumnKind.Word"/> as the enum's number.</summary>
    public Func<SpendRecord, long> Number { get; private init; } = static _ => 0;

    public Action<SpendRecord, long> SetNumber { get; private init; } = static (_, _) => { };

    /// <summary>What a number is where nothing is known.</summary>
    internal long Cleared { get; private init; }

    /// <summary>Of <see cref="SpendColumnKind.Word"/>: all words, in the order of their numbers.</summary>
    internal string Words { get; private init; } = "";

    /// <summary>Of <see cref="SpendColumnKind.Word"/>: the word, as UTF-8, that stands for the value in the ledger.</summary>
    public WordReader WordOf { get; private init; } = static _ => default;

    /// <summary>Of <see cref="SpendColumnKind.Word"/>: the number of a word; that of the default when nobody knows it.</summary>
    public Func<string, long> ParseWord { get; private init; } = static _ => 0;

    /// <summary>Of <see cref="SpendColumnKind.Text"/>.</summary>
    public Func<SpendRecord, TextField> Text { get; private init; } = static record => record.Tags;

    /// <summary>Of <see cref="SpendColumnKind.Name"/>.</summary>
    public Func<SpendRecord, string> NameOf { get; private init; } = static _ => "";

    public Action<SpendRecord, string> SetName { get; private init; } = static (_, _) => { };

    /// <summary>Of <see cref="SpendColumnKind.Name"/>: longer texts are cut in the journal, bytes.</summary>
    internal int MaxName { get; private init; }

    /// <summary>Of <see cref="SpendColumnKind.Caller"/>.</summary>
    public Func<KeyIdentity, string?> Caller { get; private init; } = static _ => null;

    internal static SpendColumn OfId() => new("id", SpendColumnKind.Id);

    internal static SpendColumn OfNumber(string name, Func<SpendRecord, long> get, Action<SpendRecord, long> set, long cleared = 0) =>
        new(name, SpendColumnKind.Number) { Number = get, SetNumber = set, Cleared = cleared };

    internal static SpendColumn OfWord<T>(string name, Func<SpendRecord, T> get, Action<SpendRecord, T> set)
        where T : struct, Enum =>
        new(name, SpendColumnKind.Word)
        {
            Number = record => EnumNames<T>.NumberOf(get(record)),
            SetNumber = (record, value) => set(record, EnumNames<T>.Of((byte)value)),
            WordOf = record => EnumNames<T>.Utf8(get(record)),
            ParseWord = static word => EnumNames<T>.NumberOf(EnumNames<T>.Parse(word)),
            Words = EnumNames<T>.All,
        };

    internal static SpendColumn OfText(string name, Func<SpendRecord, TextField> get) => new(name, SpendColumnKind.Text) { Text = get };

    internal static SpendColumn OfName(string name, int maxLength, Func<SpendRecord, string> get, Action<SpendRecord, string> set) =>
        new(name, SpendColumnKind.Name) { NameOf = get, SetName = set, MaxName = maxLength };

    internal static SpendColumn OfCaller(string name, Func<KeyIdentity, string?> get) => new(name, SpendColumnKind.Caller) { Caller = get };
}

/// <summary>
/// Everything that is kept of a request, once: the journal's images, the ledger's rows, whoever reads them, and the record's own clearing
/// go through this list, in this order. What has a number of its own (iterations) is beside it.
/// </summary>
public static class SpendColumns
{
    private const int MaxRoute = 64;
    private const int MaxPriceVersion = 64;

    private static readonly SpendColumn[] Table =
    [
        SpendColumn.OfId(),
        SpendColumn.OfNumber("started_at_ms", static r => r.StartedAtUnixMs, static (r, value) => r.StartedAtUnixMs = value),
        SpendColumn.OfNumber(
            "time_to_first_byte_us", static r => r.TimeToFirstByteUs, static (r, value) => r.TimeToFirstByteUs = value, cleared: -1),
        SpendColumn.OfNumber("duration_us", static r => r.DurationUs, static (r, value) => r.DurationUs = value),
        SpendColumn.OfCaller("key_hash", static key => key.KeyHash),
        SpendColumn.OfCaller("key_alias", static key => key.Alias),
        SpendColumn.OfCaller("team_id", static key => key.TeamId),
        SpendColumn.OfCaller("user_id", static key => key.UserId),
        SpendColumn.OfName("route", MaxRoute, static r => r.Route, static (r, value) => r.Route = value),
        SpendColumn.OfWord("path_class", static r => r.PathClass, static (r, value) => r.PathClass = value),
        SpendColumn.OfWord("method", static r => r.Method, static (r, value) => r.Method = value),
        SpendColumn.OfWord("credential", static r => r.Credential, static (r, value) => r.Credential = value),
        SpendColumn.OfNumber("status", static r => r.Status, static (r, value) => r.Status = (int)value),
        SpendColumn.OfWord("end_reason", static r => r.EndReason, static (r, value) => r.EndReason = value),
        SpendColumn.OfWord("failure", static r => r.Failure, static (r, value) => r.Failure = value),
        SpendColumn.OfWord("refusal", static r => r.Refusal, static (r, value) => r.Refusal = value),
        SpendColumn.OfNumber("flags", static r => (long)r.Flags, static (r, value) => r.Flags = (SpendFlags)value),
        SpendColumn.OfText("model_asked", static r => r.ModelAsked),
        SpendColumn.OfText("model_served", static r => r.ModelServed),
        SpendColumn.OfText("upstream_request_id", static r => r.UpstreamRequestId),
        SpendColumn.OfText("message_id", static r => r.MessageId),
        SpendColumn.OfText("session_id", static r => r.SessionId),
        SpendColumn.OfText("agent_id", static r => r.AgentId),
        SpendColumn.OfText("parent_agent_id", static r => r.ParentAgentId),
        SpendColumn.OfText("tags", static r => r.Tags),
        SpendColumn.OfText("batch_id", static r => r.BatchId),
        SpendColumn.OfNumber("streamed", static r => r.Streamed ? 1 : 0, static (r, value) => r.Streamed = value != 0),
        SpendColumn.OfNumber("cost_nano_usd", static r => r.CostNanoUsd, static (r, value) => r.CostNanoUsd = value),
        SpendColumn.OfName("price_version", MaxPriceVersion, static r => r.PriceVersion, static (r, value) => r.PriceVersion = value),
        SpendColumn.OfNumber("request_body_bytes", static r => r.RequestBodyBytes, static (r, value) => r.RequestBodyBytes = value),
        SpendColumn.OfNumber("response_body_bytes", static r => r.ResponseBodyBytes, static (r, value) => r.ResponseBodyBytes = value),
        .. Counters(),
        SpendColumn.OfWord("service_tier", static r => r.Usage.ServiceTier, static (r, value) => r.Usage.ServiceTier = value),
        SpendColumn.OfWord("speed", static r => r.Usage.Speed, static (r, value) => r.Usage.Speed = value),
        SpendColumn.OfWord("inference_geo", static r => r.Usage.InferenceGeo, static (r, value) => r.Usage.InferenceGeo = value),
    ];

    public static IReadOnlyList<SpendColumn> All => Table;

    /// <summary>Their names, separated by commas.</summary>
    public static string Names { get; } = string.Join(", ", Array.ConvertAll(Table, static column => column.Name));

    /// <summary>The columns of one usage, of a record or of an iteration of it, separated by commas.</summary>
    public static string UsageNames { get; } = string.Join(", ", UsageCounters.Columns) + ", service_tier, speed, inference_geo";

    /// <summary>
    /// Changes when this build could not read what another one wrote: names, kinds and order of the columns, and the words in them.
    /// </summary>
    internal static uint Fingerprint { get; } = MakeFingerprint();

    /// <summary>The same, for those who go through them often.</summary>
    public static ReadOnlySpan<SpendColumn> Span => Table;

    private static IEnumerable<SpendColumn> Counters()
    {
        for (int i = 0; i < UsageCounters.Count; i++)
        {
            UsageCounter counter = (UsageCounter)i;
            yield return SpendColumn.OfNumber(UsageCounters.Columns[i], r => r.Usage[counter], (r, value) => r.Usage[counter] = value);
        }
    }

    /// <summary>FNV-1a.</summary>
    private static uint MakeFingerprint()
    {
        uint hash = 2166136261;
        foreach (SpendColumn column in Table)
        {
            foreach (char next in $"{column.Name}:{column.Kind}:{column.Words};")
            {
                hash = (hash ^ next) * 16777619;
            }
        }

        return hash;
    }
}
