namespace Proxy.Host.Configuration;

/// <summary>PEM files for the https addresses of the data port.</summary>
internal sealed record TlsConfiguration(string CertificateFile, string KeyFile, TimeSpan HandshakeTimeout);
