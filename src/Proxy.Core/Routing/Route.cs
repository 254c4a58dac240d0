using System.Text;
using Proxy.Core.Identity;
using Proxy.Core.Upstream;

namespace Proxy.Core.Routing;

/// <summary>One prefix and where it goes. Immutable.</summary>
public sealed class Route
{
    private readonly byte[] _prefix;

    /// <param name="prefix">Starts with "/", does not end with one, at least one character more.</param>
    /// <exception cref="ArgumentException">The prefix is not of that form.</exception>
    public Route(string name, string prefix, UpstreamEndpoint endpoint, UpstreamPool pool, RouteCredentials credentials)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length < 2 || prefix[0] != '/' || prefix[^1] == '/' || prefix.Contains("//", StringComparison.Ordinal) || !Ascii.IsValid(prefix))
        {
            throw new ArgumentException($"The prefix '{prefix}' of route '{name}' must look like /name, without a slash at its end.", nameof(prefix));
        }

        Name = name;
        Prefix = prefix;
        _prefix = Encoding.ASCII.GetBytes(prefix);
        Endpoint = endpoint;
        Pool = pool;
        Credentials = credentials;
    }

    public string Name { get; }

    public string Prefix { get; }

    public ReadOnlySpan<byte> PrefixBytes => _prefix;

    public UpstreamEndpoint Endpoint { get; }

    public UpstreamPool Pool { get; }

    public RouteCredentials Credentials { get; }
}
