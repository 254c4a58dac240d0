using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Proxy.Core.Tests.Upstream;

/// <summary>A certificate authority that lives as long as a test.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private readonly X509Certificate2 _certificate;

    public TestAuthority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = AuthorityRequest("CN=Tollway test authority", key);
        _certificate = request.CreateSelfSigned(Now.AddYears(-3), Now.AddYears(3));
    }

    private TestAuthority(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>The certificate as an operator would configure it: without its key.</summary>
    public X509Certificate2Collection Public => [X509CertificateLoader.LoadCertificate(_certificate.RawData)];

    /// <summary>An authority below this one.</summary>
    public TestAuthority IssueIntermediate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 signed = AuthorityRequest("CN=Tollway test intermediate", key)
            .Create(_certificate, Now.AddYears(-2), Now.AddYears(2), RandomNumberGenerator.GetBytes(8));
        return new TestAuthority(signed.CopyWithPrivateKey(key));
    }

    /// <summary>A server's certificate for a DNS name or an address.</summary>
    public X509Certificate2 Issue(string name, bool isExpired = false, string usage = "1.3.6.1.5.5.7.3.1")
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        if (IPAddress.TryParse(name, out IPAddress? address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        DateTimeOffset until = isExpired ? Now.AddDays(-1) : Now.AddYears(1);
        using X509Certificate2 signed = request.Create(_certificate, Now.AddYears(-1), until, RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    /// <summary>What a server presents. Shared by its connections: only so can sessions be resumed.</summary>
    public SslStreamCertificateContext Present(string name, bool isExpired = false, TestAuthority? intermediate = null, string usage = "1.3.6.1.5.5.7.3.1") =>
        SslStreamCertificateContext.Create((intermediate ?? this).Issue(name, isExpired, usage), intermediate?.Public, offline: true);

    public void Dispose() => _certificate.Dispose();

    private static CertificateRequest AuthorityRequest(string name, ECDsa key)
    {
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        return request;
    }
}
