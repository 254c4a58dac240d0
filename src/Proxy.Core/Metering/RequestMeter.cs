namespace Proxy.Core.Metering;

/// <summary>Looks at a request body as it streams by for what is worth booking (the model that was asked). Owned by an exchange and reused; never allocates, never holds bytes back.</summary>
public sealed class RequestMeter
{
    /// <summary>Starts on a body. Bodies that are not JSON by their Content-Type, or of a path class without a model, are not looked at.</summary>
    public void Begin(SpendRecord record, ReadOnlySpan<byte> contentType) => throw new NotImplementedException();

    public void Feed(ReadOnlySpan<byte> body) => throw new NotImplementedException();
}
