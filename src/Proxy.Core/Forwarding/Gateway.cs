using Microsoft.Extensions.Logging;
using Proxy.Core.Metering;

namespace Proxy.Core.Forwarding;

/// <summary>What all exchanges share. One per process; thread-safe.</summary>
public sealed class Gateway
{
    private volatile GatewaySnapshot _snapshot;

    public Gateway(GatewaySnapshot snapshot, ISpendSink spend, GatewayHealth health, TimeProvider time, ILogger<Gateway> logger)
    {
        _snapshot = snapshot;
        Spend = spend;
        Health = health;
        Time = time;
        Logger = logger;
    }

    /// <summary>Replaces what requests are judged by; requests under way keep the snapshot they began with.</summary>
    public GatewaySnapshot Snapshot
    {
        get => _snapshot;
        set => _snapshot = value;
    }

    public ISpendSink Spend { get; }

    public GatewayHealth Health { get; }

    public TimeProvider Time { get; }

    internal ILogger Logger { get; }
}
