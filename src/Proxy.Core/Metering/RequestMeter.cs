namespace Proxy.Core.Metering;

/// <summary>Looks at a request body as it streams by for what is worth booking (the model that was asked). Owned by an exchange and reused; never allocates, never holds bytes back.</summary>
public sealed class RequestMeter
{
    private RequestModelScanner _scanner;
    private SpendRecord? _record;

    /// <summary>Top-level <c>max_tokens</c> as far as the body was seen; -1 when there was none.</summary>
    public long MaxTokens => _scanner.MaxTokens;

    /// <summary>Top-level <c>stream</c> is true, as far as the body was seen.</summary>
    public bool AsksForStream => _scanner.Stream;

    /// <summary>
    /// Starts on a body. Bodies that are not JSON by their Content-Type, or of a path class without a model, are not looked at; a body without a
    /// Content-Type is. Of two top-level models the last one counts.
    /// </summary>
    public void Begin(SpendRecord record, ReadOnlySpan<byte> contentType)
    {
        _scanner.Begin();
        bool hasModel = record.PathClass is PathClass.Messages or PathClass.CountTokens;
        _record = hasModel && (contentType.IsEmpty || MediaTypes.IsJson(contentType)) ? record : null;
    }

    public void Feed(ReadOnlySpan<byte> body)
    {
        if (_record is { } record)
        {
            _scanner.Feed(body, record.ModelAsked);
        }
    }

    /// <summary>Lets go of the record; Feed does nothing until the next Begin.</summary>
    public void End() => _record = null;
}
