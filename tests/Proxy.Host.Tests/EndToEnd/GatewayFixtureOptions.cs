using Proxy.Core.Forwarding;
using Proxy.Host.Configuration;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>What a test wants to be different.</summary>
internal sealed class GatewayFixtureOptions
{
    public string? ServerKey { get; set; } = "sk-ant-api03-company-server-key";

    /// <summary>The simulator refuses requests without a credential, as the real API does.</summary>
    public bool RequireCredentials { get; set; } = true;

    public bool AcceptClientCredentials { get; set; } = true;

    public bool UpstreamTls { get; set; } = true;

    /// <summary>The simulator's throw-away authority is configured as trusted.</summary>
    public bool TrustSimulator { get; set; } = true;

    /// <summary>Another upstream in place of the simulator.</summary>
    public string? UpstreamUrl { get; set; }

    /// <summary>Where the ledger is, if not in the fixture's own directory.</summary>
    public string? LedgerDirectory { get; set; }

    public TimeSpan? BusyTimeout { get; set; }

    public TimeSpan? ResponseHeadTimeout { get; set; }

    public Func<GatewayLimits, GatewayLimits> Limits { get; set; } = static limits => limits;

    /// <summary>PEM file of the authority to trust in place of the simulator's.</summary>
    public string? ExtraCaFile { get; set; }

    public TimeSpan? Drain { get; set; }

    /// <summary>The data port speaks TLS, with this certificate.</summary>
    public TlsConfiguration? Tls { get; set; }

    public bool MostTalkativeLogs { get; set; }
}
