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

    /// <summary>
    /// More usage iterations arrived than are kept apart; the surplus was added to one of its own model, or with too many models to the
    /// last one.
    /// </summary>
    IterationsFolded = 32,

    /// <summary>
    /// The price data lacks a rate that this usage needed (a cache rate, a tier, the fast speed); it was inferred from the others.
    /// </summary>
    RateInferred = 64,

    /// <summary>A count was above what the ledger keeps (a trillion) and was cut to it.</summary>
    CountCut = 128,

    /// <summary>
    /// The answer was read, but was not as the API writes one: a count that is no whole number, usage in another place, a body that is not
    /// what its head says.
    /// </summary>
    Irregular = 256,

    /// <summary>
    /// It was refused before any output, or attempts among its iterations were: these tokens are counted and cost nothing.
    /// </summary>
    RefusedFree = 512,
}
