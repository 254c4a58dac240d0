using Proxy.Core.Outcomes;

namespace Proxy.Core.Admission;

/// <summary>
/// Lets a request pass all of its scopes or none, reserves what it may cost and settles what it did. Takes one scope's lock at a time, so
/// that
/// no order of scopes can deadlock; allocates nothing. Thread-safe, except that a ticket belongs to one request.
/// </summary>
public static class AdmissionGate
{
    /// <param name="scopes">At most 6, the model's included.</param>
    /// <returns>True with a ticket that must be settled; false with the reason, and nothing taken.</returns>
    public static bool TryAdmit(
        ReadOnlySpan<AdmissionScope> scopes, in AdmissionRequest request, out AdmissionTicket ticket, out AdmissionRefusal refusal)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scopes.Length, AdmissionTicket.MaxScopes, nameof(scopes));
        ticket = default;
        refusal = default;
        ticket.Stake = request.Stake;
        foreach (AdmissionScope scope in scopes)
        {
            if (!scope.TryAdmit(request, out ticket.Entries[ticket.Count], out refusal))
            {
                TakeBack(ref ticket);
                return false;
            }

            ticket.Count++;
        }

        return true;
    }

    /// <summary>
    /// More of the request is known: judges it again, by the same budgets, and puts the better estimate in the place of the first, be it
    /// more or less.
    /// Where it does not fit nothing stays reserved; the ticket is still to be settled.
    /// </summary>
    /// <param name="model">The key's scope for the model, where it was not among the scopes at first; null for none.</param>
    /// <param name="request">With <see cref="AdmissionRequest.IsPartial"/> as long as the body has not been seen to its end.</param>
    public static bool TryRaise(
        ref AdmissionTicket ticket, AdmissionScope? model, in AdmissionRequest request, out AdmissionRefusal refusal)
    {
        refusal = default;
        int raised = 0;
        while (raised < ticket.Count)
        {
            ref AdmissionEntry entry = ref ticket.Entries[raised];
            if (!entry.Scope.TryRaise(ref entry, ticket.Stake, request, out refusal))
            {
                Release(ref ticket, raised, request.Stake);
                return false;
            }

            raised++;
        }

        if (model is not null && !Holds(ticket, model))
        {
            ArgumentOutOfRangeException.ThrowIfEqual(ticket.Count, AdmissionTicket.MaxScopes, nameof(model));
            if (!model.TryAdmit(request, out ticket.Entries[raised], out refusal))
            {
                Release(ref ticket, raised, request.Stake);
                return false;
            }

            ticket.Count++;
        }

        ticket.Stake = request.Stake;
        return true;
    }

    /// <summary>The estimate is known better: reserves the difference if it is more. Never refuses: the request is under way.</summary>
    public static void Raise(ref AdmissionTicket ticket, long estimateNanoUsd)
    {
        Stake more = new Stake(estimateNanoUsd, estimateNanoUsd).Minus(ticket.Stake).NotNegative();
        if (ticket.IsEmpty || more == default)
        {
            return;
        }

        ticket.Stake = ticket.Stake.Plus(more);
        for (int i = 0; i < ticket.Count; i++)
        {
            ticket.Entries[i].Scope.Raise(ticket.Entries[i], more);
        }
    }

    /// <summary>
    /// The answer runs on: where it has come close to the output that is reserved, reserves for a quarter more of it than was written.
    /// Never refuses, and
    /// takes no lock while what is reserved is enough: made to be called at every flush.
    /// </summary>
    /// <param name="estimate">What the request was admitted with.</param>
    /// <param name="outputTokens">Written so far.</param>
    public static void TopUp(ref AdmissionTicket ticket, in CostEstimate estimate, long outputTokens)
    {
        if (!ticket.IsEmpty && estimate.OfOutput(outputTokens) > ticket.Stake.ExpectedNanoUsd)
        {
            Raise(ref ticket, estimate.OfOutput(Saturating.Add(outputTokens, outputTokens / 4)));
        }
    }

    /// <summary>
    /// Puts what it really cost in the place of what was reserved, and empties the ticket: settling it again does nothing.
    /// </summary>
    /// <param name="tokens">What counts towards tokens per minute.</param>
    public static void Settle(ref AdmissionTicket ticket, long costNanoUsd, long tokens, long nowUnixMs)
    {
        AdmissionTicket held = ticket;
        ticket = default;
        Settle(held, 0, costNanoUsd, tokens, nowUnixMs);
    }

    /// <summary>A fault in one scope keeps none of the others.</summary>
    private static void Settle(in AdmissionTicket held, int first, long costNanoUsd, long tokens, long nowUnixMs)
    {
        int i = first;
        try
        {
            for (; i < held.Count; i++)
            {
                held.Entries[i].Scope.Settle(held.Entries[i], held.Stake, costNanoUsd, tokens, nowUnixMs);
            }
        }
        finally
        {
            if (i < held.Count)
            {
                Settle(held, i + 1, costNanoUsd, tokens, nowUnixMs);
            }
        }
    }

    /// <summary>
    /// The request is over and its costs are still to come: settles it at nothing, and leaves the most that it may cost reserved in every
    /// budget that
    /// counts it, until that is released. Allocates.
    /// </summary>
    public static StandingReservation Stand(ref AdmissionTicket ticket, long nowUnixMs)
    {
        List<AdmissionScope> scopes = [];
        for (int i = 0; i < ticket.Count; i++)
        {
            if (ticket.Entries[i].IsReserved)
            {
                scopes.Add(ticket.Entries[i].Scope);
            }
        }

        // Reserved twice for a moment rather than not at all.
        StandingReservation standing = new(scopes, ticket.Stake.WorstNanoUsd);
        Settle(ref ticket, costNanoUsd: 0, tokens: 0, nowUnixMs);
        return standing;
    }

    /// <summary>Money that was spent without an admission: results of a batch.</summary>
    public static void Charge(
        IReadOnlyList<AdmissionScope> scopes, long costNanoUsd, long startedAtUnixMs, long nowUnixMs, bool isCompanyPaid)
    {
        ArgumentNullException.ThrowIfNull(scopes);
        for (int i = 0; i < scopes.Count; i++)
        {
            scopes[i].Charge(costNanoUsd, startedAtUnixMs, nowUnixMs, isCompanyPaid);
        }
    }

    private static bool Holds(in AdmissionTicket ticket, AdmissionScope scope)
    {
        for (int i = 0; i < ticket.Count; i++)
        {
            if (ReferenceEquals(ticket.Entries[i].Scope, scope))
            {
                return true;
            }
        }

        return false;
    }

    private static void TakeBack(ref AdmissionTicket ticket)
    {
        for (int i = 0; i < ticket.Count; i++)
        {
            ticket.Entries[i].Scope.TakeBack(ticket.Entries[i], ticket.Stake);
        }

        ticket = default;
    }

    /// <summary>
    /// Nothing stays reserved: neither in the scopes that have taken the new estimate nor in those that still hold the old one.
    /// </summary>
    private static void Release(ref AdmissionTicket ticket, int raised, in Stake newStake)
    {
        for (int i = 0; i < ticket.Count; i++)
        {
            ref AdmissionEntry entry = ref ticket.Entries[i];
            entry.Scope.Release(ref entry, i < raised ? newStake : ticket.Stake);
        }

        ticket.Stake = default;
    }
}

/// <summary>What admission must know of a request.</summary>
/// <param name="NowUnixMs">Unix milliseconds.</param>
/// <param name="EstimateNanoUsd">What it is expected to cost; reserved until it is settled. 0 for what costs nothing by itself.</param>
/// <param name="IsCompanyPaid">It leaves with the company's key.</param>
public readonly record struct AdmissionRequest(long NowUnixMs, long EstimateNanoUsd, bool IsCompanyPaid)
{
    /// <summary>What it cannot cost more than; at least the estimate.</summary>
    public long WorstNanoUsd
    {
        get => Math.Max(field, EstimateNanoUsd);
        init;
    }

    /// <summary>
    /// Its body has not been seen to its end. It can cost nothing yet, for its last bytes are held back: scopes that others share are
    /// judged, and
    /// reserve for it only when all of it is here, so that a body that drips keeps nobody out.
    /// </summary>
    public bool IsPartial { get; init; }

    /// <summary>
    /// It may not use up the rest of a budget beyond its end even when it is alone: nothing stops it once it is taken (a batch).
    /// </summary>
    public bool MustFit { get; init; }

    internal Stake Stake => new(EstimateNanoUsd, WorstNanoUsd);
}

/// <summary>Why a request was not admitted.</summary>
/// <param name="Budget">The budget that is used up; null for other reasons.</param>
/// <param name="ResetsAtUnixMs">End of that budget's window; <see cref="long.MaxValue"/> for one that never resets.</param>
/// <param name="RetryAfterSeconds">When another try may help; 0 for never.</param>
public readonly record struct AdmissionRefusal(
    RefusalReason Reason, AdmissionScope? Scope, Budget? Budget, long ResetsAtUnixMs, int RetryAfterSeconds);
