using System.Buffers;
using System.Text;
using Proxy.Core.Identity;
using Proxy.Core.Upstream;

namespace Proxy.Core.Routing;

/// <summary>One prefix and where it goes. Immutable.</summary>
public sealed class Route
{
    // What needs no escape in a path (RFC 3986 §2.3): an escape has two spellings, and prefixes are compared byte by byte.
    private static readonly SearchValues<char> Characters =
        SearchValues.Create("/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private readonly byte[] _prefix;

    /// <param name="prefix">Starts with "/", does not end with one, at least one character more.</param>
    /// <exception cref="ArgumentException">The prefix is not of that form.</exception>
    public Route(string name, string prefix, UpstreamEndpoint endpoint, UpstreamPool pool, RouteCredentials credentials)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (!IsPrefix(prefix))
        {
            throw new ArgumentException(
                $"The prefix '{prefix}' of route '{name}' must look like /name: unreserved characters, no slash at its end.",
                nameof(prefix));
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

    /// <summary>Whether a path can begin with it: "/", segments of unreserved characters, none of them empty or a dot segment.</summary>
    public static bool IsPrefix(string prefix)
    {
        if (prefix.Length < 2 || prefix[0] != '/' || prefix.AsSpan().ContainsAnyExcept(Characters))
        {
            return false;
        }

        // An empty segment or a dot segment would never match: such paths are refused before (http-rules.md rows 14, 16).
        foreach (Range part in prefix.AsSpan(1).Split('/'))
        {
            if (prefix.AsSpan(1)[part] is "" or "." or "..")
            {
                return false;
            }
        }

        return true;
    }
}
