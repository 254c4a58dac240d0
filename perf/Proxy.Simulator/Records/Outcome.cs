namespace Proxy.Simulator.Records;

/// <summary>How an answer ended.</summary>
public enum Outcome
{
    Pending,
    /// <summary>Written to its end (which may be an error event).</summary>
    Completed,
    /// <summary>Ended early because the script said so.</summary>
    Cut,
    /// <summary>The other side closed before the end.</summary>
    ClientGone,
}
