using System.Runtime.CompilerServices;
using Proxy.Core.Admission;

namespace Proxy.Core.Spend;

/// <summary>
/// What the API counts (anthropic-api.md §5). The one list of them: order, names and number are the same in the journal, the ledger and
/// reports.
/// </summary>
public enum UsageCounter : byte
{
    InputTokens = 0,
    CacheReadInputTokens,
    CacheCreationInputTokens,
    CacheCreation5mInputTokens,
    CacheCreation1hInputTokens,
    OutputTokens,
    ThinkingTokens,
    WebSearchRequests,
    WebFetchRequests,
}

/// <summary>
/// Token and tool counters as the API reports them, and the words that decide their rates. Counts, never negative; 0 when never reported.
/// </summary>
public struct UsageCounters : IEquatable<UsageCounters>
{
    /// <summary>How many counters there are.</summary>
    public const int Count = (int)UsageCounter.WebFetchRequests + 1;

    public ServiceTier ServiceTier;
    public Speed Speed;
    public InferenceGeo InferenceGeo;

    private Counts _counts;

    /// <summary>The columns that keep them, in the order of <see cref="UsageCounter"/>.</summary>
    public static IReadOnlyList<string> Columns { get; } =
    [
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_creation_5m_input_tokens",
        "cache_creation_1h_input_tokens",
        "output_tokens",
        "thinking_tokens",
        "web_search_requests",
        "web_fetch_requests",
    ];

    public long this[UsageCounter counter]
    {
        readonly get => _counts[(int)counter];
        set => _counts[(int)counter] = value;
    }

    public long InputTokens
    {
        readonly get => this[UsageCounter.InputTokens];
        set => this[UsageCounter.InputTokens] = value;
    }

    public long CacheReadInputTokens
    {
        readonly get => this[UsageCounter.CacheReadInputTokens];
        set => this[UsageCounter.CacheReadInputTokens] = value;
    }

    public long CacheCreationInputTokens
    {
        readonly get => this[UsageCounter.CacheCreationInputTokens];
        set => this[UsageCounter.CacheCreationInputTokens] = value;
    }

    public long CacheCreation5mInputTokens
    {
        readonly get => this[UsageCounter.CacheCreation5mInputTokens];
        set => this[UsageCounter.CacheCreation5mInputTokens] = value;
    }

    public long CacheCreation1hInputTokens
    {
        readonly get => this[UsageCounter.CacheCreation1hInputTokens];
        set => this[UsageCounter.CacheCreation1hInputTokens] = value;
    }

    public long OutputTokens
    {
        readonly get => this[UsageCounter.OutputTokens];
        set => this[UsageCounter.OutputTokens] = value;
    }

    public long ThinkingTokens
    {
        readonly get => this[UsageCounter.ThinkingTokens];
        set => this[UsageCounter.ThinkingTokens] = value;
    }

    public long WebSearchRequests
    {
        readonly get => this[UsageCounter.WebSearchRequests];
        set => this[UsageCounter.WebSearchRequests] = value;
    }

    public long WebFetchRequests
    {
        readonly get => this[UsageCounter.WebFetchRequests];
        set => this[UsageCounter.WebFetchRequests] = value;
    }

    public static bool operator ==(UsageCounters left, UsageCounters right) => left.Equals(right);

    public static bool operator !=(UsageCounters left, UsageCounters right) => !left.Equals(right);

    /// <summary>Adds the counts of another report; sums that do not fit stay at the largest value.</summary>
    public void Add(in UsageCounters other)
    {
        for (int i = 0; i < Count; i++)
        {
            _counts[i] = Saturating.Add(_counts[i], other._counts[i]);
        }
    }

    public readonly bool Equals(UsageCounters other) =>
        ((ReadOnlySpan<long>)_counts).SequenceEqual(other._counts)
        && ServiceTier == other.ServiceTier && Speed == other.Speed && InferenceGeo == other.InferenceGeo;

    public override readonly bool Equals(object? obj) => obj is UsageCounters other && Equals(other);

    public override readonly int GetHashCode() =>
        HashCode.Combine(InputTokens, OutputTokens, CacheReadInputTokens, CacheCreationInputTokens, ServiceTier);

    /// <summary>For people: what is not 0.</summary>
    public override readonly string ToString()
    {
        List<string> parts = [];
        for (int i = 0; i < Count; i++)
        {
            if (_counts[i] != 0)
            {
                parts.Add($"{Columns[i]} = {_counts[i]}");
            }
        }

        return $"{string.Join(", ", parts)} ({ServiceTier}, {Speed}, {InferenceGeo})";
    }

    [InlineArray(Count)]
    private struct Counts
    {
        private long _first;
    }
}
