using System.Text;
using Microsoft.Extensions.Logging;
using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Core.Pricing;
using Proxy.Core.Routing;
using Proxy.Core.Spend;

namespace Proxy.Core.Forwarding;

/// <summary>What all exchanges share. One per process; thread-safe.</summary>
public sealed class Gateway : IDisposable
{
    private readonly byte[] _loopToken;
    private readonly byte[] _loopLine;
    private volatile GatewaySnapshot _snapshot;
    private volatile bool _draining;

    public Gateway(GatewaySnapshot snapshot, ISpendSink spend, GatewayHealth health, TimeProvider time, ILogger<Gateway> logger)
    {
        _snapshot = snapshot;
        Spend = spend;
        Health = health;
        Time = time;
        Logger = logger;
        Clock = new CoarseClock(time);
        Connections = new ConnectionGate(this);
        string token = "tollway-" + Guid.NewGuid().ToString("N")[..12];
        _loopToken = Encoding.ASCII.GetBytes(token);
        _loopLine = Encoding.ASCII.GetBytes($"CDN-Loop: {token}\r\n");
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

    /// <summary>Refusals of unknown callers.</summary>
    public UnauthenticatedAllowance Unauthenticated { get; } = new();

    /// <summary>Client connections, and how many there may be.</summary>
    public ConnectionGate Connections { get; }

    /// <summary>What open batches may still cost.</summary>
    public BatchReservations Batches { get; } = new();

    /// <summary>What requests of each key and model really cost.</summary>
    public SpendHabits Habits { get; } = new();

    internal bool IsDraining => _draining;

    internal ILogger Logger { get; }

    /// <summary>
    /// Names this process in CDN-Loop (RFC 8586), so that a request that comes back is known: two gateways in a row are no loop.
    /// </summary>
    internal ReadOnlySpan<byte> LoopToken => _loopToken;

    /// <summary>The field line that says so, with CRLF.</summary>
    internal ReadOnlySpan<byte> LoopLine => _loopLine;

    /// <summary>
    /// From here on every answer says that it is the last of its connection. Called before the listeners close, so that none is missed
    /// between that and the transport's own word.
    /// </summary>
    public void BeginDrain() => _draining = true;

    /// <summary>Cuts every connection, in whatever state; each books what was seen.</summary>
    public void AbortConnections() => Clock.AbortAll();

    public void Dispose() => Clock.Dispose();
}

/// <summary>What <c>/health/readiness</c> on the data port answers. Written by the host, read by exchanges.</summary>
public sealed class GatewayHealth
{
    private volatile bool _ledgerConnected;

    /// <summary>The ledger can be written.</summary>
    public bool LedgerConnected
    {
        get => _ledgerConnected;
        set => _ledgerConnected = value;
    }
}

/// <summary>Everything a request is judged by. Immutable; replaced as a whole (design.md decision 7).</summary>
public sealed record GatewaySnapshot(KeyTable Keys, RouteTable Routes, PriceBook Prices, GatewayLimits Limits);
