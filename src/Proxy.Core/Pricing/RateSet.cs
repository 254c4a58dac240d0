using System.Runtime.CompilerServices;

namespace Proxy.Core.Pricing;

/// <summary>
/// The rates of one model in one price period, above one threshold, for one service tier. In half pico-USD a token, so that half of any
/// rate
/// (batch) is an integer too. Immutable once its <see cref="ModelPrice"/> is built.
/// </summary>
internal sealed class RateSet
{
    /// <summary>Half pico-USD in a pico-USD.</summary>
    public const long Scale = 2;

    private Rates _rates;
    private byte _inferred;

    public long this[RateKind kind] => _rates[(int)kind];

    /// <summary>The data did not say this rate.</summary>
    public bool IsInferred(RateKind kind) => (_inferred & (1 << (int)kind)) != 0;

    public void Set(RateKind kind, long rate, bool isInferred)
    {
        _rates[(int)kind] = rate;
        _inferred |= (byte)(isInferred ? 1 << (int)kind : 0);
    }

    [InlineArray(5)]
    private struct Rates
    {
        private long _first;
    }
}
