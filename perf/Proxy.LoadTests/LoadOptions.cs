using Proxy.LoadTests.Profiles;

namespace Proxy.LoadTests;

/// <summary>One run: one scenario in one shape against one target.</summary>
public sealed record LoadOptions
{
    public required Uri Target { get; init; }

    public string Scenario { get; init; } = "json";

    public required LoadShape Shape { get; init; }

    /// <summary>Threads that serve socket events.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Clients beside the virtual users that only cost.</summary>
    public int SlowClients { get; init; }

    /// <summary>Ends the run early; a bound in count beside the one in time.</summary>
    public long MaxRequests { get; init; } = long.MaxValue;

    /// <summary>Processes whose CPU time is sampled, by name.</summary>
    public IReadOnlyList<ProcessGroup> Processes { get; init; } = [];

    public string? GatewayKey { get; init; }

    public string? ApiKey { get; init; }

    public string Label { get; init; } = "";

    public int Round { get; init; }

    public bool Json { get; init; }
}
