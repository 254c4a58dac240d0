using System.Diagnostics.CodeAnalysis;
using Proxy.Core.Http1;
using Proxy.Core.Metering;

namespace Proxy.Core.Routing;

/// <summary>Finds the route of a path. Immutable; never allocates.</summary>
public sealed class RouteTable
{
    /// <exception cref="ArgumentException">Two routes have the same prefix.</exception>
    public RouteTable(IEnumerable<Route> routes) => throw new NotImplementedException();

    public IReadOnlyList<Route> Routes => throw new NotImplementedException();

    /// <summary>
    /// Longest prefix match on raw bytes, case-sensitive; the prefix must be followed by "/" or be the whole path (http-rules.md row 19).
    /// </summary>
    /// <param name="upstreamPath">The path without the prefix; empty when the path is the prefix itself.</param>
    public bool TryMatch(ReadOnlySpan<byte> path, [NotNullWhen(true)] out Route? route, out ReadOnlySpan<byte> upstreamPath) => throw new NotImplementedException();

    /// <summary>What kind of work the path below the prefix is.</summary>
    public static PathClass Classify(MethodId method, ReadOnlySpan<byte> upstreamPath) => throw new NotImplementedException();
}
