using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Pricing;
using Proxy.Core.Routing;
using Proxy.Host.Configuration;
using Route = Proxy.Core.Routing.Route;

namespace Proxy.Host.Composition;

/// <summary>Turns a validated configuration and the ledger's keys into what requests are judged by.</summary>
internal sealed class SnapshotBuilder(PoolSet pools)
{
    /// <summary>Builds a snapshot; the pools it needs exist afterwards, those it does not need are still there (<see cref="PoolSet.KeepOnlyAsync"/>).</summary>
    /// <exception cref="ConfigurationException">The price file or a key is unusable.</exception>
    public GatewaySnapshot Build(GatewayConfiguration configuration, IReadOnlyList<Principal> ledgerKeys, string? adminKeyHash, List<string> unusable)
    {
        PriceBook prices = ReadPrices(configuration.Prices);
        KeyTable keys = BuildKeys(configuration.Keys, ledgerKeys, adminKeyHash, unusable);
        List<Route> routes = [];
        foreach (RouteConfiguration route in configuration.Routes)
        {
            routes.Add(new Route(
                route.Name,
                route.Prefix,
                route.Upstream,
                pools.Get(PoolKey.Of(route, configuration), route.Upstream),
                new RouteCredentials(route.ServerKey, route.AcceptsClientCredentials)));
        }

        return new GatewaySnapshot(keys, new RouteTable(routes), prices, configuration.Limits);
    }

    public static IReadOnlySet<PoolKey> PoolsOf(GatewayConfiguration configuration)
    {
        HashSet<PoolKey> keys = [];
        foreach (RouteConfiguration route in configuration.Routes)
        {
            keys.Add(PoolKey.Of(route, configuration));
        }

        return keys;
    }

    /// <exception cref="ConfigurationException"/>
    public static PriceBook ReadPrices(PriceConfiguration prices)
    {
        try
        {
            return prices.File is not null ? PriceBook.Parse(File.ReadAllBytes(prices.File), prices.Fallback)
                : prices.Fallback == new FallbackRates() ? PriceBook.BuiltIn
                : PriceBook.Parse(PriceBook.ReadBuiltInMap(), prices.Fallback);
        }
        catch (Exception fault) when (fault is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"prices.file: {prices.File}: {fault.Message}"]);
        }
    }

    /// <summary>The file wins over the ledger: an operator must be able to block a key where he is.</summary>
    /// <param name="unusable">Gets what is said of each key of the ledger that cannot be one. It opens nothing, and keeps none of the others out.</param>
    /// <exception cref="ConfigurationException">The admin key is a key of the file.</exception>
    public static KeyTable BuildKeys(
        IReadOnlyList<Principal> fileKeys, IReadOnlyList<Principal> ledgerKeys, string? adminKeyHash, List<string> unusable)
    {
        Dictionary<string, Principal> byHash = new(StringComparer.Ordinal);
        foreach (Principal key in ledgerKeys)
        {
            if (key.Key.KeyHash == adminKeyHash)
            {
                unusable.Add($"the key {key.Key.Alias ?? "(no alias)"} is the admin key");
            }
            else if (!IsHash(key.Key.KeyHash))
            {
                unusable.Add($"the hash of the key {key.Key.Alias ?? "(no alias)"} is not 64 lower-case hexadecimal digits");
            }
            else
            {
                byHash[key.Key.KeyHash] = key;
            }
        }

        foreach (Principal key in fileKeys)
        {
            byHash[key.Key.KeyHash] = key;
        }

        if (adminKeyHash is not null && byHash.ContainsKey(adminKeyHash))
        {
            throw new ConfigurationException(["adminKey: is also in keys; the admin key must not be a client's key"]);
        }

        return KeyTable.Create(byHash.Values, adminKeyHash is null ? default : Convert.FromHexString(adminKeyHash));
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);
}
