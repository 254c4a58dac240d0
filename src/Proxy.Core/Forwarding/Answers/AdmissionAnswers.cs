using Proxy.Core.Admission;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Forwarding.Answers;

/// <summary>What a client is told when a limit or a budget refuses it.</summary>
internal static class AdmissionAnswers
{
    public static Answer Of(in AdmissionRefusal refusal)
    {
        Answer answer = Refusals.Describe(refusal.Reason) with { RetryAfterSeconds = refusal.RetryAfterSeconds };
        if (refusal.Reason == RefusalReason.BudgetShort)
        {
            return answer with { Period = refusal.Budget!.Name, ResetsAtUnixMs = refusal.ResetsAtUnixMs };
        }

        if (refusal.Reason != RefusalReason.BudgetSpent)
        {
            return answer;
        }

        string message = refusal.Scope?.Kind switch
        {
            ScopeKind.Team => "spend limit of the team reached",
            ScopeKind.User => "spend limit of the user reached",
            ScopeKind.Member => "spend limit of the team's member reached",
            ScopeKind.KeyModel => "spend limit of the model reached",
            _ => answer.Message,
        };
        return answer with { Message = message, Period = refusal.Budget!.Name, ResetsAtUnixMs = refusal.ResetsAtUnixMs };
    }
}
