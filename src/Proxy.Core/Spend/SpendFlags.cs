namespace Proxy.Core.Spend;

/// <summary>What a reader of a spend record must know about its numbers.</summary>
[Flags]
public enum SpendFlags : ushort
{
    None = 0,

    /// <summary>The response did not reach its end: the numbers are what was seen.</summary>
    Incomplete = 1,

    /// <summary>Output tokens are estimated from delivered text (about four characters a token).</summary>
    Estimated = 2,

    /// <summary>The model has no price; the fall-back rate was taken.</summary>
    PriceUnknown = 4,

    /// <summary>Cache writes without a 5m/1h split were priced as 5m.</summary>
    SplitInferred = 8,

    /// <summary>The response used a content coding that the meter cannot read, or its body was not what its type says.</summary>
    Unreadable = 16,

    /// <summary>More usage iterations arrived than are kept apart; the surplus was added to the last one.</summary>
    IterationsFolded = 32,

    /// <summary>The price data lacks a rate that this usage needed (a cache rate, a tier, the fast speed); it was inferred from the others.</summary>
    RateInferred = 64,
}
