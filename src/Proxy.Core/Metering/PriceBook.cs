namespace Proxy.Core.Metering;

/// <summary>Prices by model and date (prices.md). Immutable: a new one replaces it as a whole. Money is integer: rates in pico-USD a token, results in nano-USD rounded once.</summary>
public sealed class PriceBook
{
    /// <summary>The prices that ship with the gateway.</summary>
    public static PriceBook BuiltIn => throw new NotImplementedException();

    /// <summary>Reads LiteLLM's price map format with our <c>x_</c> notes.</summary>
    /// <exception cref="FormatException">Names the model and the field that is wrong.</exception>
    public static PriceBook Parse(ReadOnlySpan<byte> utf8Json, FallbackRates fallback) => throw new NotImplementedException();

    /// <summary>Identifies this data in the ledger.</summary>
    public string Version => throw new NotImplementedException();

    /// <summary>Prices a finished record: sets <see cref="SpendRecord.CostNanoUsd"/>, <see cref="SpendRecord.PriceVersion"/> and the price flags. Never allocates.</summary>
    public void Price(SpendRecord record) => throw new NotImplementedException();
}
