using System.Buffers.Text;

namespace Proxy.Core.Pricing;

/// <summary>
/// What a price field's name says: <c>cache_creation_input_token_cost_above_1hr_above_100k_tokens</c> is a 1-hour write above 100,000
/// prompt tokens.
/// </summary>
internal readonly record struct RateName(RateKind Kind, long Threshold, RateVariant Variant)
{
    /// <summary>False for a field that is no token rate, or one this gateway has no use for (flex, audio, other hosts' extras).</summary>
    public static bool TryParse(ReadOnlySpan<byte> field, out RateName name)
    {
        name = default;
        ReadOnlySpan<byte> rest = field;
        RateKind kind;
        if (TakeStart(ref rest, "input_cost_per_token"u8))
        {
            kind = RateKind.Input;
        }
        else if (TakeStart(ref rest, "output_cost_per_token"u8))
        {
            kind = RateKind.Output;
        }
        else if (TakeStart(ref rest, "cache_read_input_token_cost"u8))
        {
            kind = RateKind.CacheRead;
        }
        else if (TakeStart(ref rest, "cache_creation_input_token_cost"u8))
        {
            kind = RateKind.CacheWrite5m;
        }
        else
        {
            return false;
        }

        long threshold = 0;
        RateVariant variant = RateVariant.Standard;
        while (!rest.IsEmpty)
        {
            if (kind == RateKind.CacheWrite5m && TakeStart(ref rest, "_above_1hr"u8))
            {
                kind = RateKind.CacheWrite1h;
            }
            else if (variant == RateVariant.Standard && TakeStart(ref rest, "_batches"u8))
            {
                variant = RateVariant.Batch;
            }
            else if (variant == RateVariant.Standard && TakeStart(ref rest, "_priority"u8))
            {
                variant = RateVariant.Priority;
            }
            else if (threshold != 0 || !TakeThreshold(ref rest, out threshold))
            {
                return false;
            }
        }

        name = new RateName(kind, threshold, variant);
        return true;
    }

    /// <summary><c>_above_200k_tokens</c>: the threshold stands nowhere but in the name.</summary>
    private static bool TakeThreshold(ref ReadOnlySpan<byte> rest, out long threshold)
    {
        threshold = 0;
        if (!TakeStart(ref rest, "_above_"u8)
            || !Utf8Parser.TryParse(rest, out int thousands, out int length)
            || thousands is <= 0 or > 1_000_000)
        {
            return false;
        }

        rest = rest[length..];
        threshold = thousands * 1000L;
        return TakeStart(ref rest, "k_tokens"u8);
    }

    private static bool TakeStart(ref ReadOnlySpan<byte> rest, ReadOnlySpan<byte> start)
    {
        if (!rest.StartsWith(start))
        {
            return false;
        }

        rest = rest[start.Length..];
        return true;
    }
}

/// <summary>The kinds of tokens that have a price of their own.</summary>
internal enum RateKind : byte
{
    Input = 0,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
    Output,
}

/// <summary>The service tiers that have price fields of their own.</summary>
internal enum RateVariant : byte
{
    Standard = 0,
    Batch,
    Priority,
}
