using Proxy.Core.Outcomes;

namespace Proxy.Core.Admission;

/// <summary>
/// Lets a request pass all of its scopes or none, reserves what it may cost and settles what it did. Takes one scope's lock at a time, so that
/// no order of scopes can deadlock; allocates nothing. Thread-safe, except that a ticket belongs to one request.
/// </summary>
public static class AdmissionGate
{
    /// <param name="scopes">At most 6.</param>
    /// <returns>True with a ticket that must be settled; false with the reason, and nothing taken.</returns>
    public static bool TryAdmit(ReadOnlySpan<AdmissionScope> scopes, in AdmissionRequest request, out AdmissionTicket ticket, out AdmissionRefusal refusal)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scopes.Length, AdmissionTicket.MaxScopes, nameof(scopes));
        ticket = default;
        refusal = default;
        ticket.ReservedNanoUsd = request.EstimateNanoUsd;
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

    /// <summary>The estimate is known better: reserves the difference if it is more. Never refuses: the request is under way.</summary>
    public static void Raise(ref AdmissionTicket ticket, long estimateNanoUsd)
    {
        long more = estimateNanoUsd - ticket.ReservedNanoUsd;
        if (ticket.IsEmpty || more <= 0)
        {
            return;
        }

        ticket.ReservedNanoUsd = estimateNanoUsd;
        for (int i = 0; i < ticket.Count; i++)
        {
            ticket.Entries[i].Scope.Raise(ticket.Entries[i], more);
        }
    }

    /// <summary>Puts what it really cost in the place of what was reserved, and empties the ticket: settling it again does nothing.</summary>
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
                held.Entries[i].Scope.Settle(held.Entries[i], held.ReservedNanoUsd, costNanoUsd, tokens, nowUnixMs);
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

    /// <summary>Money that was spent without an admission: results of a batch.</summary>
    public static void Charge(IReadOnlyList<AdmissionScope> scopes, long costNanoUsd, long startedAtUnixMs, long nowUnixMs, bool isCompanyPaid)
    {
        ArgumentNullException.ThrowIfNull(scopes);
        for (int i = 0; i < scopes.Count; i++)
        {
            scopes[i].Charge(costNanoUsd, startedAtUnixMs, nowUnixMs, isCompanyPaid);
        }
    }

    private static void TakeBack(ref AdmissionTicket ticket)
    {
        for (int i = 0; i < ticket.Count; i++)
        {
            ticket.Entries[i].Scope.TakeBack(ticket.Entries[i], ticket.ReservedNanoUsd);
        }

        ticket = default;
    }
}

/// <summary>What admission must know of a request.</summary>
/// <param name="NowUnixMs">Unix milliseconds.</param>
/// <param name="EstimateNanoUsd">What it may cost; reserved until it is settled. 0 for what costs nothing by itself.</param>
/// <param name="IsCompanyPaid">It leaves with the company's key.</param>
public readonly record struct AdmissionRequest(long NowUnixMs, long EstimateNanoUsd, bool IsCompanyPaid);

/// <summary>Why a request was not admitted.</summary>
/// <param name="Budget">The budget that is used up; null for other reasons.</param>
/// <param name="ResetsAtUnixMs">End of that budget's window; <see cref="long.MaxValue"/> for one that never resets.</param>
/// <param name="RetryAfterSeconds">When another try may help; 0 for never.</param>
public readonly record struct AdmissionRefusal(RefusalReason Reason, AdmissionScope? Scope, Budget? Budget, long ResetsAtUnixMs, int RetryAfterSeconds);
