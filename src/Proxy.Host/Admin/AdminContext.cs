using Proxy.Core.Pricing;

namespace Proxy.Host.Admin;

/// <summary>What the admin API works on: the ledger, and as much of a running gateway as there is.</summary>
internal sealed record AdminContext
{
    public required string LedgerPath { get; init; }

    public required TimeSpan BusyTimeout { get; init; }

    public required TimeProvider Time { get; init; }

    public required Func<PriceBook> Prices { get; init; }

    /// <summary>SHA-256 of the admin key; null when there is none, and then nobody is let in over TCP.</summary>
    public Func<string?> AdminKeyHash { get; init; } = static () => null;

    /// <summary>Called after each change; when it returns, the change is in force. Throws an <see cref="AdminException"/> when it is not.</summary>
    public Action PrincipalsChanged { get; init; } = static () => { };

    /// <summary>Rows of the ledger that cannot be used.</summary>
    public Func<int> UnusableRows { get; init; } = static () => 0;

    /// <summary>The ledger can be written.</summary>
    public Func<bool> LedgerConnected { get; init; } = static () => true;

    /// <summary>Requests under way or not yet in the ledger.</summary>
    public Func<int> InFlight { get; init; } = static () => 0;

    /// <summary>Prometheus text; null without a running gateway.</summary>
    public Func<string>? Metrics { get; init; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();
}
