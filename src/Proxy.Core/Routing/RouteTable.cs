using System.Diagnostics.CodeAnalysis;

namespace Proxy.Core.Routing;

/// <summary>Finds the route of a path. Immutable; never allocates.</summary>
public sealed class RouteTable
{
    private readonly Route[] _longestFirst;

    /// <exception cref="ArgumentException">Two routes have the same prefix.</exception>
    public RouteTable(IEnumerable<Route> routes)
    {
        _longestFirst = [.. routes];
        Array.Sort(_longestFirst, static (a, b) => b.Prefix.Length.CompareTo(a.Prefix.Length));
        for (int i = 0; i < _longestFirst.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (_longestFirst[i].Prefix == _longestFirst[j].Prefix)
                {
                    throw new ArgumentException(
                        $"The routes '{_longestFirst[j].Name}' and '{_longestFirst[i].Name}' have the same prefix.", nameof(routes));
                }
            }
        }
    }

    public IReadOnlyList<Route> Routes => _longestFirst;

    /// <summary>
    /// Longest prefix match on raw bytes, case-sensitive; the prefix must be followed by "/" or be the whole path (http-rules.md row 19).
    /// </summary>
    /// <param name="upstreamPath">The path without the prefix; empty when the path is the prefix itself.</param>
    public bool TryMatch(ReadOnlySpan<byte> path, [NotNullWhen(true)] out Route? route, out ReadOnlySpan<byte> upstreamPath)
    {
        foreach (Route candidate in _longestFirst)
        {
            ReadOnlySpan<byte> prefix = candidate.PrefixBytes;
            if (path.StartsWith(prefix) && (path.Length == prefix.Length || path[prefix.Length] == (byte)'/'))
            {
                route = candidate;
                upstreamPath = path[prefix.Length..];
                return true;
            }
        }

        route = null;
        upstreamPath = default;
        return false;
    }
}
