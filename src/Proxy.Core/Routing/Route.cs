using Proxy.Core.Identity;
using Proxy.Core.Upstream;

namespace Proxy.Core.Routing;

/// <summary>One prefix and where it goes. Immutable.</summary>
public sealed class Route
{
    /// <param name="prefix">Starts with "/", does not end with one, at least one character more.</param>
    /// <exception cref="ArgumentException">The prefix is not of that form.</exception>
    public Route(string name, string prefix, UpstreamEndpoint endpoint, UpstreamPool pool, RouteCredentials credentials) => throw new NotImplementedException();

    public string Name => throw new NotImplementedException();

    public string Prefix => throw new NotImplementedException();

    public ReadOnlySpan<byte> PrefixBytes => throw new NotImplementedException();

    public UpstreamEndpoint Endpoint => throw new NotImplementedException();

    public UpstreamPool Pool => throw new NotImplementedException();

    public RouteCredentials Credentials => throw new NotImplementedException();
}
