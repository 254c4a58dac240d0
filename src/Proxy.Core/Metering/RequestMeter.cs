using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Looks at a request body as it streams by for what is worth booking (the model that was asked), and for a key that may use only certain
/// models whether it keeps to them. Owned by an exchange and reused; never allocates, never holds bytes back.
/// </summary>
public sealed class RequestMeter
{
    private RequestModelScanner _scanner;
    private BatchModelScanner _batch;
    private Principal? _guarded;
    private PathClass _path;
    private bool _isLookedAt;

    /// <summary>The top-level model as far as the body was seen; empty while there is none.</summary>
    public TextField Model { get; } = new(SpendRecord.ModelCapacity);

    /// <summary>Top-level <c>max_tokens</c> as far as the body was seen; -1 when there was none.</summary>
    public long MaxTokens => _scanner.MaxTokens;

    /// <summary>
    /// Starts on a body. Bodies that are not JSON by their Content-Type, or of a path class without a model, are not looked at; a body without a
    /// Content-Type is. Of two top-level models the last one counts.
    /// </summary>
    /// <param name="path">Which kind of request it is.</param>
    /// <param name="contentType">Value of its Content-Type; empty when there is none.</param>
    /// <param name="guarded">A principal whose models are limited: the body is looked at whatever its type says, and <see cref="Judge"/> tells.</param>
    public void Begin(PathClass path, ReadOnlySpan<byte> contentType, Principal? guarded = null)
    {
        _scanner.Begin();
        _batch.Begin();
        Model.Clear();
        _path = path;
        _guarded = guarded;
        _isLookedAt = path switch
        {
            PathClass.Messages or PathClass.CountTokens => guarded is not null || contentType.IsEmpty || MediaTypes.IsJson(contentType),
            PathClass.BatchCreation => guarded is not null,
            _ => false,
        };
    }

    public void Feed(ReadOnlySpan<byte> body)
    {
        if (!_isLookedAt)
        {
            return;
        }

        if (_path == PathClass.BatchCreation)
        {
            _batch.Feed(body, _guarded!);
        }
        else
        {
            _scanner.Feed(body, Model);
        }
    }

    /// <summary>Whether the body so far keeps to the guarded principal's models; None for a principal that is not guarded.</summary>
    /// <param name="isWhole">The body is over: what is not known now is never known.</param>
    public RefusalReason Judge(bool isWhole)
    {
        if (_guarded is not { } principal || !_isLookedAt)
        {
            return RefusalReason.None;
        }

        if (_path == PathClass.BatchCreation)
        {
            return _batch.IsUnclear || (isWhole && !_batch.IsComplete) ? RefusalReason.ModelUnclear
                : _batch.HasForbidden ? RefusalReason.ModelNotAllowed
                : RefusalReason.None;
        }

        if (_scanner.IsInvalid || _scanner.HasDuplicates || _scanner.IsModelCut)
        {
            return RefusalReason.ModelUnclear;
        }

        if (Model.IsEmpty)
        {
            return isWhole ? RefusalReason.ModelUnclear : RefusalReason.None;
        }

        return !principal.AllowsModel(Model.Bytes) ? RefusalReason.ModelNotAllowed
            : isWhole && !_scanner.IsComplete ? RefusalReason.ModelUnclear
            : RefusalReason.None;
    }

    /// <summary>Lets go of the principal; Feed does nothing until the next Begin.</summary>
    public void End()
    {
        _isLookedAt = false;
        _guarded = null;
    }
}
