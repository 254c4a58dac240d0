using System.Text;

namespace Proxy.Core.Upstream;

/// <summary>Where a route's requests go. Immutable; one per configured upstream.</summary>
public sealed class UpstreamEndpoint
{
    public UpstreamEndpoint(string host, int port, bool useTls)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        Host = host;
        Port = port;
        UseTls = useTls;
        bool defaultPort = port == (useTls ? 443 : 80);
        string literal = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
        Authority = defaultPort ? literal : $"{literal}:{port}";
        AuthorityBytes = Encoding.ASCII.GetBytes(Authority);
    }

    /// <summary>DNS name or address, without brackets.</summary>
    public string Host { get; }

    public int Port { get; }

    public bool UseTls { get; }

    /// <summary>The value of Host towards this upstream (RFC 9110 §7.2): the port is left out when it is the scheme's default.</summary>
    public string Authority { get; }

    public ReadOnlyMemory<byte> AuthorityBytes { get; }
}
