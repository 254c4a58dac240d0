using Proxy.Core.Upstream;

namespace Proxy.Host.Configuration;

/// <summary>One route. A class and not a record: its printed form must not show the key.</summary>
internal sealed class RouteConfiguration
{
    public const string AnthropicHost = "api.anthropic.com";

    public static RouteConfiguration Anthropic { get; } = new()
    {
        Name = "anthropic",
        Prefix = "/anthropic",
        Upstream = new UpstreamEndpoint(AnthropicHost, 443, useTls: true),
    };

    public required string Name { get; init; }

    public required string Prefix { get; init; }

    public required UpstreamEndpoint Upstream { get; init; }

    public string? ServerKey { get; init; }

    /// <summary>A client's Anthropic credential belongs to Anthropic: other hosts get it only when the operator says so (credentials.md row 29).</summary>
    public bool? AcceptClientCredentials { get; init; }

    public string? ExtraCaFile { get; init; }

    public bool AcceptsClientCredentials =>
        AcceptClientCredentials ?? IsAnthropic(Upstream);

    /// <summary>Where a credential of Anthropic's belongs without anybody saying so.</summary>
    public static bool IsAnthropic(UpstreamEndpoint upstream) =>
        upstream.UseTls && upstream.Port == 443 && upstream.Host.Equals(AnthropicHost, StringComparison.OrdinalIgnoreCase);
}
