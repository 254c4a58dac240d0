using Proxy.Core.Admission;
using Proxy.Core.Identity;

namespace Proxy.Core.Forwarding;

/// <summary>
/// What a request holds of its limits and budgets: the scopes of its key, and the key's own for the model. One owner at any time: the exchange, and
/// the upload while it runs. Whoever has it settles it, once; <c>default</c> holds nothing.
/// </summary>
internal struct Reservation
{
    private AdmissionTicket _ticket;
    private AdmissionTicket _modelTicket;
    private bool _isModelAdmitted;

    /// <summary>Takes place in every scope of the principal, and in the model's when the model is known.</summary>
    /// <returns>False with the reason, and nothing held.</returns>
    public bool TryAdmit(Principal principal, ReadOnlySpan<byte> model, in AdmissionRequest request, out AdmissionRefusal refusal)
    {
        if (!AdmissionGate.TryAdmit(principal.ScopeSpan, request, out _ticket, out refusal))
        {
            return false;
        }

        if (TryAdmitModel(principal, model, request, out refusal))
        {
            return true;
        }

        TakeBack(request.NowUnixMs);
        return false;
    }

    /// <summary>The whole body has been seen: raises what is reserved, and judges a model that was not known before.</summary>
    /// <returns>False with the reason; what is held is still to be settled.</returns>
    public bool TryComplete(Principal principal, ReadOnlySpan<byte> model, in AdmissionRequest request, out AdmissionRefusal refusal)
    {
        AdmissionGate.Raise(ref _ticket, request.EstimateNanoUsd);
        AdmissionGate.Raise(ref _modelTicket, request.EstimateNanoUsd);
        return TryAdmitModel(principal, model, request, out refusal);
    }

    /// <summary>Puts what it really cost in the place of what was reserved. Again, it does nothing.</summary>
    /// <param name="tokens">What counts towards tokens per minute.</param>
    public void Settle(long costNanoUsd, long tokens, long nowUnixMs)
    {
        try
        {
            AdmissionGate.Settle(ref _ticket, costNanoUsd, tokens, nowUnixMs);
        }
        finally
        {
            AdmissionGate.Settle(ref _modelTicket, costNanoUsd, tokens, nowUnixMs);
        }
    }

    private bool TryAdmitModel(Principal principal, ReadOnlySpan<byte> model, in AdmissionRequest request, out AdmissionRefusal refusal)
    {
        refusal = default;
        if (_isModelAdmitted || model.IsEmpty)
        {
            return true;
        }

        _isModelAdmitted = true;
        AdmissionScope? scope = principal.ScopeOfModel(model);
        return scope is null || AdmissionGate.TryAdmit(new ReadOnlySpan<AdmissionScope>(in scope), request, out _modelTicket, out refusal);
    }

    private void TakeBack(long nowUnixMs) => Settle(costNanoUsd: 0, tokens: 0, nowUnixMs);
}
