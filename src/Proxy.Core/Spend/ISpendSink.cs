namespace Proxy.Core.Spend;

/// <summary>
/// Where spend records go: the seam between the data path and the ledger. A record is claimed before a request is admitted, so that there
/// is always room to book it; when there is none the request is refused. Thread-safe; neither call blocks, waits or allocates in steady
/// state.
/// </summary>
public interface ISpendSink
{
    /// <summary>A cleared record for an exchange, or false when too many are on their way to the ledger.</summary>
    bool TryClaim([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SpendRecord? record);

    /// <summary>The exchange is over: the record is the sink's again. Never refuses.</summary>
    void Complete(SpendRecord record);
}
