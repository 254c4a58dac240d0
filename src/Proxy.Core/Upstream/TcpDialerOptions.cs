using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Proxy.Core.Upstream;

/// <summary>Immutable.</summary>
public sealed record TcpDialerOptions
{
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Certificate authorities that are trusted beside the system's.</summary>
    public X509Certificate2Collection? ExtraCertificateAuthorities { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>All addresses of a name.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;
}
