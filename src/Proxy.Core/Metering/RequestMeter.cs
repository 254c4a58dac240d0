using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Looks at a request body as it streams by: for what is worth booking (the model that was asked), for what it may cost, and for a key that
/// may use only
/// certain models whether it keeps to them. Owned by an exchange and reused; never allocates, never holds bytes back.
/// </summary>
public sealed class RequestMeter
{
    private RequestScanner _scanner;
    private Principal? _guarded;
    private IRequestPricer? _pricer;
    private CostEstimate _items;
    private long _nowUnixMs;
    private PathClass _path;
    private bool _isLookedAt;

    /// <summary>The top-level model as far as the body was seen; empty while there is none, and for a batch.</summary>
    public TextField Model { get; } = new(SpendRecord.ModelCapacity);

    /// <summary>
    /// Top-level <c>max_tokens</c> as far as the body was seen; -1 when there was none, <see cref="long.MaxValue"/> when nobody can be sure
    /// of it.
    /// </summary>
    public long MaxTokens => _scanner.Shape.MaxTokens == RequestShape.Unclear ? long.MaxValue : _scanner.Shape.MaxTokens;

    /// <summary>What the request says about its price, as far as it was seen; of a batch, its latest item.</summary>
    public ref readonly RequestShape Shape => ref _scanner.Shape;

    /// <summary>
    /// Starts on a body. Whatever its Content-Type says: a type that lies must not hide a model or a price. Paths without a model are not
    /// looked at.
    /// </summary>
    /// <param name="path">Which kind of request it is.</param>
    /// <param name="guarded">A principal whose models are limited: <see cref="Judge"/> tells.</param>
    /// <param name="pricer">Says what it may cost; null where nobody asks.</param>
    /// <param name="nowUnixMs">At whose prices. Unix milliseconds.</param>
    public void Begin(PathClass path, Principal? guarded = null, IRequestPricer? pricer = null, long nowUnixMs = 0)
    {
        _scanner.Begin(isBatch: path == PathClass.BatchCreation);
        Model.Clear();
        _path = path;
        _guarded = guarded;
        _pricer = pricer;
        _items = default;
        _nowUnixMs = nowUnixMs;
        _isLookedAt = path.NamesModel();
    }

    public void Feed(ReadOnlySpan<byte> body)
    {
        int position = 0;
        while (_isLookedAt && position < body.Length)
        {
            if (_scanner.Feed(body, ref position, Model, _guarded) && _pricer is not null)
            {
                _items = _items.Plus(_pricer.Estimate(_scanner.Shape, 0, long.MaxValue, ServiceTier.Batch, _nowUnixMs));
            }
        }
    }

    /// <summary>What the request may cost at most, as far as it was seen: a batch item by item, at batch rates.</summary>
    /// <param name="bodyBytes">Of the whole body, as far as anyone can tell.</param>
    /// <param name="isWhole">All of it was seen: what it has not said it will not say.</param>
    /// <param name="assumedTokens">What it is reckoned to put out as long as it may still say.</param>
    public CostEstimate Estimate(long bodyBytes, bool isWhole, long assumedTokens)
    {
        if (_pricer is null || _path == PathClass.BatchCreation)
        {
            return _items;
        }

        bool mayStillSay = !isWhole && !_scanner.IsInvalid;
        return _pricer.Estimate(_scanner.Shape, bodyBytes, mayStillSay ? assumedTokens : long.MaxValue, ServiceTier.Standard, _nowUnixMs);
    }

    /// <summary>Whether the body so far keeps to the guarded principal's models; None for a principal that is not guarded.</summary>
    /// <param name="isWhole">The body is over: what is not known now is never known.</param>
    public RefusalReason Judge(bool isWhole)
    {
        if (_guarded is null || !_isLookedAt)
        {
            return RefusalReason.None;
        }

        bool isUnnamed = isWhole && _path != PathClass.BatchCreation && Model.IsEmpty;
        return _scanner.IsInvalid || _scanner.IsUnclear || isUnnamed ? RefusalReason.ModelUnclear
            : _scanner.HasForbidden ? RefusalReason.ModelNotAllowed
            : isWhole && !_scanner.IsComplete ? RefusalReason.ModelUnclear
            : RefusalReason.None;
    }

    /// <summary>Lets go of the principal; Feed does nothing until the next Begin.</summary>
    public void End()
    {
        _isLookedAt = false;
        _guarded = null;
        _pricer = null;
    }
}
