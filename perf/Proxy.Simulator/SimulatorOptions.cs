using Proxy.Simulator.Scripting;

namespace Proxy.Simulator;

public sealed class SimulatorOptions
{
    /// <summary>0 = any free port, null = no plain-text listener.</summary>
    public int? HttpPort { get; set; } = 0;

    /// <summary>0 = any free port, null = no TLS listener.</summary>
    public int? HttpsPort { get; set; } = 0;

    /// <summary>Names and addresses in the server certificate.</summary>
    public IReadOnlyList<string> HostNames { get; set; } = ["localhost", "api.anthropic.com", "127.0.0.1"];

    /// <summary>Where <c>ca.pem</c> is written; null = a directory of its own, removed at the end.</summary>
    public string? CaDirectory { get; set; }

    /// <summary>What an answer does when its request has no x-sim field that says otherwise.</summary>
    public SimScript Defaults { get; set; } = new();

    public bool RequireCredentials { get; set; } = true;

    /// <summary>Whether "use the tool" in a request is answered with a tool call; costs a look into each body.</summary>
    public bool ToolTurns { get; set; } = true;

    /// <summary>How many answers the truth table keeps; 0 = off.</summary>
    public int TruthCapacity { get; set; } = 1_000_000;

    /// <summary>How many requests are kept with head and body hash; 0 = off.</summary>
    public int RecordedRequests { get; set; } = 4096;
}
