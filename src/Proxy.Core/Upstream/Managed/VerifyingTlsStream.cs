using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Proxy.Core.Upstream.Managed;

/// <summary>
/// TLS towards an upstream that remembers that it was its own verdict on the certificate that ended the handshake: the exceptions of
/// <see cref="SslStream"/> do not tell that from an alert.
/// </summary>
internal sealed class VerifyingTlsStream(Stream inner) : SslStream(inner, leaveInnerStreamOpen: false)
{
    /// <summary>The certificate is missing, not trusted, or names another host.</summary>
    public bool IsCertificateRejected { get; private set; }

    /// <summary>
    /// A callback for all connections of an endpoint: sessions are resumed only between connections that share their options.
    /// </summary>
    /// <param name="verify">Says yes or no to what the system found.</param>
    public static RemoteCertificateValidationCallback Verify(Func<X509Certificate?, X509Chain?, SslPolicyErrors, bool> verify) =>
        (sender, certificate, chain, errors) =>
        {
            bool isTrusted = verify(certificate, chain, errors);
            ((VerifyingTlsStream)sender).IsCertificateRejected = !isTrusted;
            return isTrusted;
        };
}
