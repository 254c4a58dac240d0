using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;
using Proxy.Host.Configuration;

namespace Proxy.Host.Composition;

/// <summary>Makes the dialer of a pool.</summary>
internal static class DialerFactory
{
    /// <exception cref="ConfigurationException">The file with extra authorities is unusable.</exception>
    public static UpstreamDialer Create(PoolKey key, TimeProvider time) => new TcpDialer(new TcpDialerOptions
    {
        ConnectTimeout = key.ConnectTimeout,
        TlsTimeout = key.TlsTimeout,
        NameLifetime = key.NameLifetime,
        ExtraCertificateAuthorities = key.ExtraCaFile is null ? null : ReadAuthorities(key.ExtraCaFile),
        Time = time,
    });

    /// <exception cref="ConfigurationException"/>
    public static X509Certificate2Collection ReadAuthorities(string file)
    {
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"routes: extraCaFile {file} cannot be read as PEM certificates: {fault.Message}"]);
        }

        return authorities.Count > 0
            ? authorities
            : throw new ConfigurationException([$"routes: extraCaFile {file} holds no PEM certificate"]);
    }
}
