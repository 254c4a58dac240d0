using System.Net.Security;
using Proxy.Core.Forwarding;

namespace Proxy.Host.Composition;

/// <summary>
/// Ends the sending side of a TLS connection by close_notify, which goes the way of the data and so arrives behind it. Kestrel sends none
/// (RFC 9112 §9.8).
/// </summary>
internal sealed class TlsHalfClose(SslStream stream) : IHalfClose
{
    public async ValueTask<bool> TryShutdownSendAsync()
    {
        try
        {
            await stream.ShutdownAsync();
            return true;
        }
        catch (Exception)
        {
            // Gone already, or whatever OpenSSL has against it, in exceptions of its own: the connection ends either way.
            return false;
        }
    }
}
