namespace Proxy.Core.Identity;

/// <summary>The credential fields of a request as they came, whitespace around the values removed. A null-like span and <c>Has… = false</c> when the field is absent.</summary>
public ref struct PresentedCredentials
{
    public bool HasGatewayKey;
    public ReadOnlySpan<byte> GatewayKey;

    public bool HasAuthorization;
    public ReadOnlySpan<byte> Authorization;

    public bool HasApiKey;
    public ReadOnlySpan<byte> ApiKey;
}
