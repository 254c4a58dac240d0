using System.Diagnostics.CodeAnalysis;
using Proxy.Core.Http1;
using Proxy.Core.Metering;

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
                    throw new ArgumentException($"The routes '{_longestFirst[j].Name}' and '{_longestFirst[i].Name}' have the same prefix.", nameof(routes));
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

    /// <summary>What kind of work the path below the prefix is.</summary>
    public static PathClass Classify(MethodId method, ReadOnlySpan<byte> upstreamPath)
    {
        if (IsUnder(upstreamPath, "/v1/messages"u8, out ReadOnlySpan<byte> below))
        {
            if (method == MethodId.Post && below.IsEmpty)
            {
                return PathClass.Messages;
            }

            if (method == MethodId.Post && below.SequenceEqual("/count_tokens"u8))
            {
                return PathClass.CountTokens;
            }

            if (IsUnder(below, "/batches"u8, out ReadOnlySpan<byte> batch))
            {
                return method == MethodId.Get && IsResults(batch) ? PathClass.BatchResults : PathClass.Batches;
            }

            return PathClass.Other;
        }

        return IsUnder(upstreamPath, "/v1/models"u8, out _) ? PathClass.Models
            : IsUnder(upstreamPath, "/v1/files"u8, out _) ? PathClass.Files
            : PathClass.Other;
    }

    // "/{id}/results", with exactly one segment as the id: "/results" alone is a batch of that name.
    private static bool IsResults(ReadOnlySpan<byte> belowBatches)
    {
        const int SuffixLength = 8;
        return belowBatches.EndsWith("/results"u8) && belowBatches[..^SuffixLength] is [(byte)'/', not (byte)'/', ..] folder
            && folder.LastIndexOf((byte)'/') == 0;
    }

    private static bool IsUnder(ReadOnlySpan<byte> path, ReadOnlySpan<byte> folder, out ReadOnlySpan<byte> below)
    {
        bool isUnder = path.StartsWith(folder) && (path.Length == folder.Length || path[folder.Length] == (byte)'/');
        below = isUnder ? path[folder.Length..] : default;
        return isUnder;
    }
}
