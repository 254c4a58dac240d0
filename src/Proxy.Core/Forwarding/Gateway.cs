using Microsoft.Extensions.Logging;
using Proxy.Core.Metering;

namespace Proxy.Core.Forwarding;

/// <summary>What all exchanges share. One per process; thread-safe.</summary>
public sealed class Gateway : IDisposable
{
    private volatile GatewaySnapshot _snapshot;

    public Gateway(GatewaySnapshot snapshot, ISpendSink spend, GatewayHealth health, TimeProvider time, ILogger<Gateway> logger)
    {
        _snapshot = snapshot;
        Spend = spend;
        Health = health;
        Time = time;
        Logger = logger;
        Clock = new CoarseClock(time);
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

    /// <summary>Deadlines of all connections.</summary>
    public CoarseClock Clock { get; }

    internal ILogger Logger { get; }

    public void Dispose() => Clock.Dispose();
}
