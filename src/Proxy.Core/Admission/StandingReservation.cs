namespace Proxy.Core.Admission;

/// <summary>
/// What stays reserved when a request is over, because its costs are still to come (a batch). In whatever window it is then, until it is
/// released. Thread-safe.
/// </summary>
public sealed class StandingReservation
{
    private readonly AdmissionScope[] _scopes;
    private int _isReleased;

    /// <summary>Reserves; what is restored after a restart is reserved again with this.</summary>
    public StandingReservation(IEnumerable<AdmissionScope> scopes, long nanoUsd)
    {
        _scopes = [.. scopes];
        NanoUsd = nanoUsd;
        foreach (AdmissionScope scope in _scopes)
        {
            scope.ChangeStanding(nanoUsd);
        }
    }

    public long NanoUsd { get; }

    public IReadOnlyList<AdmissionScope> Scopes => _scopes;

    /// <summary>Gives it back, once.</summary>
    public void Release()
    {
        // Partner: none; whoever comes second does nothing.
        if (Interlocked.Exchange(ref _isReleased, 1) != 0)
        {
            return;
        }

        foreach (AdmissionScope scope in _scopes)
        {
            scope.ChangeStanding(-NanoUsd);
        }
    }
}
