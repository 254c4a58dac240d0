using Proxy.Core.Admission;
using Proxy.Core.Identity;

namespace Proxy.Core.Forwarding;

/// <summary>
/// What a request holds of its limits and budgets, and what it was reckoned to cost (docs/limits.md, what is reserved). One owner at any
/// time: the exchange, and the upload while it runs. Whoever has it settles it, once; <c>default</c> holds nothing.
/// </summary>
internal struct Reservation
{
    private AdmissionTicket _ticket;
    private CostEstimate _estimate;
    private CostEstimate _running;
    private ulong _habit;

    /// <summary>Takes place in every scope of the principal, and in the model's when the model is known.</summary>
    /// <returns>False with the reason; what is held is still to be settled.</returns>
    public bool TryAdmit(Principal principal, ReadOnlySpan<byte> model, in AdmissionRequest request, out AdmissionRefusal refusal) =>
        AdmissionGate.TryAdmit(principal.ScopeSpan, request, out _ticket, out refusal)
        && (principal.ScopeOfModel(model) is not { } scope || AdmissionGate.TryRaise(ref _ticket, scope, request, out refusal));

    /// <summary>More of the request is known: judges it again, by all of its scopes.</summary>
    /// <returns>False with the reason, and no money reserved; what is held is still to be settled.</returns>
    public bool TryRaise(Principal principal, ReadOnlySpan<byte> model, in AdmissionRequest request, out AdmissionRefusal refusal) =>
        AdmissionGate.TryRaise(ref _ticket, principal.ScopeOfModel(model), request, out refusal);

    /// <summary>What the request is reckoned to cost, by what its key and model really write.</summary>
    public Stake Expect(SpendHabits habits, string scopeId, ReadOnlySpan<byte> model, in CostEstimate estimate)
    {
        _habit = SpendHabits.IdOf(scopeId, model);
        Expectation expectation = habits.Expect(_habit, estimate);
        _estimate = estimate;
        _running = expectation.Running;
        return expectation.Stake;
    }

    /// <summary>The answer runs on: reserves more where it has come close to what is reserved. Takes no lock while it has not.</summary>
    public void TopUp(long outputTokens) => AdmissionGate.TopUp(ref _ticket, _running, outputTokens);

    /// <summary>Puts what it really cost in the place of what was reserved. Again, it does nothing.</summary>
    /// <param name="tokens">What counts towards tokens per minute.</param>
    public void Settle(long costNanoUsd, long tokens, long nowUnixMs) => AdmissionGate.Settle(ref _ticket, costNanoUsd, tokens, nowUnixMs);

    /// <summary>The API has taken a batch: what it may cost stays reserved under its id.</summary>
    public void Keep(BatchReservations batches, string batchId, long nowUnixMs) => batches.Keep(batchId, ref _ticket, nowUnixMs);

    /// <summary>Such requests of this key and model cost so much. Only for answers whose usage was reported.</summary>
    public readonly void Learn(SpendHabits habits, long costNanoUsd, long outputTokens)
    {
        if (_habit != 0)
        {
            habits.Learn(_habit, _estimate, costNanoUsd, outputTokens);
        }
    }
}
