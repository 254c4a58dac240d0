using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Upstream;
using Proxy.Host.Admin;
using Proxy.Host.Storage;

namespace Proxy.Host.Configuration;

/// <summary>Everything an operator can set, validated. Immutable; the defaults are what a first run without any file uses.</summary>
internal sealed record GatewayConfiguration
{
    public IReadOnlyList<ListenAddress> Listen { get; init; } = [ListenAddress.Default];

    public TlsConfiguration? Tls { get; init; }

    public IReadOnlyList<RouteConfiguration> Routes { get; init; } = [RouteConfiguration.Anthropic];

    /// <summary>Keys of the file; those of the ledger come on top.</summary>
    public IReadOnlyList<Principal> Keys { get; init; } = [];

    /// <summary>SHA-256 of the configured admin key, lower-case hexadecimal; null when the ledger has it.</summary>
    public string? AdminKeyHash { get; init; }

    public required string LedgerPath { get; init; }

    public LedgerOptions Ledger { get; init; } = new();

    /// <summary>Where the admin API listens; null for nowhere.</summary>
    public AdminListen? Admin { get; init; }

    public GatewayLimits Limits { get; init; } = new();

    public UpstreamPoolOptions Pool { get; init; } = new();

    public TimeSpan NameLifetime { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public PriceConfiguration Prices { get; init; } = new();

    public TransportConfiguration Transport { get; init; } = new();

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>How long live responses may run on after SIGTERM.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What is allowed but probably not meant.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
