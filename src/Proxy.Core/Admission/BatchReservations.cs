namespace Proxy.Core.Admission;

/// <summary>
/// What open batches may still cost: reserved from when the API took them until their results are metered, they are cancelled, or they have
/// expired.
/// Kept by the batch's id, in memory; <see cref="Read"/> and <see cref="Restore"/> carry it over a restart. Thread-safe. Allocates, as
/// batches are rare.
/// </summary>
public sealed class BatchReservations
{
    // The API gives up on a batch after 24 hours (its expires_at); an hour more for clocks that differ.
    private const long LifetimeMs = 25L * 3_600_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Open> _open = new(StringComparer.Ordinal);
    private long _version;

    /// <summary>Changes with every change of what is reserved.</summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>The API has taken a batch: its request is over, and what was reserved for it stays. Empties the ticket.</summary>
    /// <param name="batchId">As the API names it.</param>
    public void Keep(string batchId, ref AdmissionTicket ticket, long nowUnixMs)
    {
        if (ticket.Stake.WorstNanoUsd <= 0)
        {
            AdmissionGate.Settle(ref ticket, costNanoUsd: 0, tokens: 0, nowUnixMs);
            return;
        }

        Put(batchId, AdmissionGate.Stand(ref ticket, nowUnixMs), nowUnixMs + LifetimeMs);
    }

    /// <summary>Its results are metered, or it will have none. Does nothing for a batch that is not known.</summary>
    public void Release(string batchId)
    {
        Open? open;
        lock (_gate)
        {
            if (!_open.Remove(batchId, out open))
            {
                return;
            }

            _version++;
        }

        open.Standing.Release();
    }

    /// <summary>Gives back what is reserved for batches that have expired. To be called now and then.</summary>
    public void ReleaseExpired(long nowUnixMs)
    {
        List<string> expired = [];
        lock (_gate)
        {
            foreach ((string id, Open open) in _open)
            {
                if (open.ExpiresAtUnixMs <= nowUnixMs)
                {
                    expired.Add(id);
                }
            }
        }

        expired.ForEach(Release);
    }

    /// <summary>What is reserved now, for keeping it over a restart.</summary>
    public IReadOnlyList<BatchReservation> Read()
    {
        List<BatchReservation> reservations = [];
        lock (_gate)
        {
            foreach ((string id, Open open) in _open)
            {
                List<ScopeName> scopes = [];
                foreach (AdmissionScope scope in open.Standing.Scopes)
                {
                    scopes.Add(new ScopeName(scope.Kind, scope.Id));
                }

                reservations.Add(new BatchReservation(id, open.Standing.NanoUsd, open.ExpiresAtUnixMs, scopes));
            }
        }

        return reservations;
    }

    /// <summary>Reserves again what was reserved before a restart; one that is there already stays as it is.</summary>
    /// <param name="find">Null for a scope that is gone.</param>
    public void Restore(IEnumerable<BatchReservation> reservations, Func<ScopeName, AdmissionScope?> find)
    {
        ArgumentNullException.ThrowIfNull(reservations);
        ArgumentNullException.ThrowIfNull(find);
        foreach (BatchReservation reservation in reservations)
        {
            bool isThere;
            lock (_gate)
            {
                isThere = _open.ContainsKey(reservation.BatchId);
            }

            if (isThere)
            {
                continue;
            }

            List<AdmissionScope> scopes = [];
            foreach (ScopeName name in reservation.Scopes)
            {
                if (find(name) is { } scope)
                {
                    scopes.Add(scope);
                }
            }

            Put(reservation.BatchId, new StandingReservation(scopes, reservation.NanoUsd), reservation.ExpiresAtUnixMs);
        }
    }

    private void Put(string batchId, StandingReservation standing, long expiresAtUnixMs)
    {
        Open? former;
        lock (_gate)
        {
            _ = _open.Remove(batchId, out former);
            _open[batchId] = new Open(standing, expiresAtUnixMs);
            _version++;
        }

        former?.Standing.Release();
    }

    private sealed record Open(StandingReservation Standing, long ExpiresAtUnixMs);
}

/// <summary>What is reserved for one batch.</summary>
/// <param name="ExpiresAtUnixMs">When it is given back at the latest.</param>
/// <param name="Scopes">Whose budgets.</param>
public sealed record BatchReservation(string BatchId, long NanoUsd, long ExpiresAtUnixMs, IReadOnlyList<ScopeName> Scopes);

/// <summary>Identifies a scope.</summary>
public readonly record struct ScopeName(ScopeKind Kind, string Id);
