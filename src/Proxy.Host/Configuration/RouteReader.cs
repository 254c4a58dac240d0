using Proxy.Core.Upstream;
using Route = Proxy.Core.Routing.Route;

namespace Proxy.Host.Configuration;

/// <summary>The <c>routes</c> list.</summary>
internal static class RouteReader
{
    public static IReadOnlyList<RouteConfiguration> Read(SectionReader root, ConfigurationSource source, List<string> warnings)
    {
        IReadOnlyList<SectionReader>? sections = root.Sections("routes");
        if (sections is null)
        {
            RouteConfiguration standard = RouteConfiguration.Anthropic;
            return
            [
                new RouteConfiguration
                {
                    Name = standard.Name,
                    Prefix = standard.Prefix,
                    Upstream = standard.Upstream,
                    ServerKey = DefaultServerKey(root, source),
                },
            ];
        }

        List<RouteConfiguration> routes = [];
        foreach (SectionReader section in sections)
        {
            RouteConfiguration? route = ReadRoute(section, root, source, isOnly: sections.Count == 1, warnings);
            if (route is null)
            {
                continue;
            }

            if (routes.Any(other => other.Prefix == route.Prefix))
            {
                section.Problem("prefix", $"{route.Prefix} is another route's too");
            }

            if (routes.Any(other => other.Name == route.Name))
            {
                section.Problem("name", $"{route.Name} is another route's too");
            }

            routes.Add(route);
        }

        return routes;
    }

    private static RouteConfiguration? ReadRoute(SectionReader section, SectionReader root, ConfigurationSource source, bool isOnly, List<string> warnings)
    {
        string? name = section.Text("name");
        string? prefix = section.Text("prefix") ?? (name is null ? null : "/" + name);
        string? upstream = section.Text("upstream");
        string? key = SecretReader.Read(section, "serverKey", "serverKeyFile");
        bool? accept = section.Flag("acceptClientCredentials");
        string? extraCa = section.Text("extraCaFile");
        section.Finish();

        if (name is null)
        {
            section.Problem("name", "is missing: a short name for the ledger, for example \"anthropic\"");
        }

        if (prefix is not null && !Route.IsPrefix(prefix))
        {
            section.Problem("prefix", "must start with / and not end with one, and consist of letters, digits and - . _ ~ /, for example \"/anthropic\"");
            prefix = null;
        }

        UpstreamEndpoint? endpoint = ReadUpstream(section, upstream);
        if (extraCa is not null && !File.Exists(extraCa))
        {
            section.Problem("extraCaFile", $"there is no file {extraCa}");
        }

        if (name is null || prefix is null || endpoint is null)
        {
            return null;
        }

        // The default route is the one named "anthropic", or the only one there is.
        if (key is null && (isOnly || name.Equals("anthropic", StringComparison.OrdinalIgnoreCase)))
        {
            key = DefaultServerKey(root, source);
            if (key is not null && !RouteConfiguration.IsAnthropic(endpoint))
            {
                // The company's key is bound to its host: whatever a route is named, it goes nowhere else by itself.
                warnings.Add(
                    $"{section.PathOf("upstream")}: the key of the environment (ANTHROPIC_API_KEY or the credential anthropic-api-key) goes to https://api.anthropic.com only, " +
                    $"not to {endpoint.Authority}; give the route a serverKey or serverKeyFile of its own");
                key = null;
            }
        }

        if (key is not null && !endpoint.UseTls && !IsLoopback(endpoint.Host))
        {
            warnings.Add($"{section.PathOf("upstream")}: the server key goes to {endpoint.Authority} in clear text; use https://");
        }

        return new RouteConfiguration
        {
            Name = name,
            Prefix = prefix,
            Upstream = endpoint,
            ServerKey = key,
            AcceptClientCredentials = accept,
            ExtraCaFile = extraCa,
        };
    }

    private static string? DefaultServerKey(SectionReader root, ConfigurationSource source)
    {
        string? key = source.Credential("anthropic-api-key");
        string from = "the credential anthropic-api-key";
        if (key is null or "")
        {
            key = source.Variable("ANTHROPIC_API_KEY")?.Trim();
            from = "ANTHROPIC_API_KEY";
        }

        if (key is null or "")
        {
            return null;
        }

        if (!SecretReader.IsHeaderSafe(key))
        {
            root.Problem("routes", $"{from} has characters that a header field cannot carry");
            return null;
        }

        return key;
    }

    private static UpstreamEndpoint? ReadUpstream(SectionReader section, string? text)
    {
        if (text is null)
        {
            section.Problem("upstream", "is missing: for example \"https://api.anthropic.com\"");
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp))
        {
            section.Problem("upstream", "must look like https://api.anthropic.com or http://127.0.0.1:9080");
            return null;
        }

        if (uri.UserInfo.Length > 0)
        {
            section.Problem("upstream", "must not hold credentials; use serverKey or serverKeyFile");
            return null;
        }

        if (uri.PathAndQuery != "/" || uri.Fragment.Length > 0)
        {
            section.Problem("upstream", "must be scheme, host and port only; a path is not supported");
            return null;
        }

        return new UpstreamEndpoint(uri.IdnHost.Trim('[', ']'), uri.Port, uri.Scheme == Uri.UriSchemeHttps);
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (System.Net.IPAddress.TryParse(host, out System.Net.IPAddress? address) && System.Net.IPAddress.IsLoopback(address));
}
