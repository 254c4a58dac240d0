using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Proxy.Core.Upstream;
using Proxy.Host.Configuration;

namespace Proxy.Host.Composition;

/// <summary>Makes the dialer of a pool.</summary>
internal static class DialerFactory
{
    /// <exception cref="ConfigurationException">The file of extra certificate authorities is unusable.</exception>
    public static UpstreamDialer Create(PoolKey key) => new TcpDialer(new TcpDialerOptions
    {
        ConnectTimeout = key.ConnectTimeout,
        TlsTimeout = key.TlsTimeout,
        ExtraCertificateAuthorities = key.ExtraCaFile is null ? null : ReadAuthorities(key.ExtraCaFile),
    });

    private static X509Certificate2Collection ReadAuthorities(string file)
    {
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"extraCaFile: {file}: {fault.Message}"]);
        }

        return authorities.Count > 0 ? authorities : throw new ConfigurationException([$"extraCaFile: {file} has no certificate in PEM form"]);
    }
}
