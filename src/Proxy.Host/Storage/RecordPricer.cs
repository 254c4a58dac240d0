using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Host.Storage;

/// <summary>
/// Prices the records that come without a price (lines of batch results, what an earlier run left unfinished) before they are written, and says once for
/// each model that has no price. A price that was settled is never changed. Used by the ledger's thread only.
/// </summary>
internal sealed class RecordPricer(Func<PriceBook> prices, ILogger logger)
{
    /// <summary>Model names come from clients: neither their number nor their content is trusted.</summary>
    private const int MaxNamed = 256;

    private readonly HashSet<string> _named = new(StringComparer.Ordinal);
    private bool _faulted;

    public void Price(SpendRecord record)
    {
        try
        {
            if (record.PriceVersion.Length == 0)
            {
                prices().Price(record);
            }
        }
        catch (Exception fault)
        {
            // A bug in pricing must not cost the record: it is booked without a price, and says so.
            record.Flags |= SpendFlags.PriceUnknown;
            if (!_faulted)
            {
                _faulted = true;
                HostLog.PricingBroken(logger, fault);
            }

            return;
        }

        if ((record.Flags & SpendFlags.PriceUnknown) != 0 && _named.Count < MaxNamed)
        {
            string model = (record.ModelServed.IsEmpty ? record.ModelAsked : record.ModelServed).ToString();
            if (_named.Add(model))
            {
                HostLog.PriceUnknown(logger, Printable(model));
            }
        }
    }

    private static string Printable(string text) =>
        string.Create(text.Length, text, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        });
}
