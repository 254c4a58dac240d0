namespace Proxy.Core.Forwarding;

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
