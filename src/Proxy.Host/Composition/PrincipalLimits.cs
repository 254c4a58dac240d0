using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Host.Admin;
using Proxy.Host.Storage;

namespace Proxy.Host.Composition;

/// <summary>From settings as operators write them to what the data path enforces.</summary>
internal static class PrincipalLimits
{
    /// <param name="reserve">What budgets set aside that do not say it.</param>
    public static ScopeLimits Of(PrincipalSettings settings, ReserveMode reserve)
    {
        reserve = ReserveNames.Of(settings.Reserve, reserve);
        List<Budget> budgets = [];
        foreach (BudgetLimitSetting limit in settings.BudgetLimits ?? [])
        {
            Add(budgets, limit.BudgetDuration, limit.MaxBudget, ReserveNames.Of(limit.Reserve, reserve));
        }

        // Last, for it is the one that a soft budget is judged by.
        if (settings.MaxBudget is { } most)
        {
            Add(budgets, settings.BudgetDuration, most, reserve);
        }

        return new ScopeLimits
        {
            RequestsPerMinute = settings.RpmLimit,
            TokensPerMinute = settings.TpmLimit,
            ParallelRequests = settings.MaxParallelRequests,
            Budgets = budgets,
            SoftBudgetNanoUsd = settings.SoftBudget is { } soft ? Money.ToNano(soft) : null,
            TemporaryIncreaseNanoUsd = Money.ToNano(settings.TempBudgetIncrease ?? 0),
            TemporaryIncreaseEndsUnixMs = settings.TempBudgetExpiry?.ToUnixTimeMilliseconds() ?? 0,
            CountsClientPaid = settings.CountClientSpend == true,
        };
    }

    /// <summary>By model; the key's payer rule holds for them too.</summary>
    public static IEnumerable<(string Model, ScopeLimits Limits)> OfModels(PrincipalSettings settings, ReserveMode reserve)
    {
        reserve = ReserveNames.Of(settings.Reserve, reserve);
        IEnumerable<string> models =
            (settings.ModelMaxBudget?.Keys ?? []).Concat(settings.ModelRpmLimit?.Keys ?? []).Concat(settings.ModelTpmLimit?.Keys ?? []);
        foreach (string model in models.Distinct(StringComparer.Ordinal))
        {
            List<Budget> budgets = [];
            if (settings.ModelMaxBudget is { } byModel && byModel.TryGetValue(model, out ModelBudgetSetting? budget))
            {
                Add(budgets, budget.TimePeriod, budget.BudgetLimit, ReserveNames.Of(budget.Reserve, reserve));
            }

            yield return (PlainModel(model), new ScopeLimits
            {
                RequestsPerMinute = Find(settings.ModelRpmLimit, model),
                TokensPerMinute = Find(settings.ModelTpmLimit, model),
                Budgets = budgets,
                CountsClientPaid = settings.CountClientSpend == true,
            });
        }
    }

    /// <summary>Null when all models are allowed; LiteLLM's names for that are understood.</summary>
    public static ModelAllowList? ModelsOf(PrincipalSettings settings)
    {
        IReadOnlyList<string> models = settings.Models ?? [];
        bool isOpen = models.Count == 0 || models.Any(model => model is "*" or "all-proxy-models" or "all-team-models" or "anthropic/*");
        return isOpen ? null : new ModelAllowList(models.Select(PlainModel));
    }

    public static WorkspaceAccess WorkspaceOf(PrincipalSettings settings)
    {
        WorkspaceAccess access = WorkspaceAccess.None;
        foreach (string word in settings.WorkspaceAccess ?? [])
        {
            access |= WorkspaceNames.TryParse(word, out WorkspaceAccess one) ? one : WorkspaceAccess.None;
        }

        return access;
    }

    public static ScopeLimits OfMember(MemberRow member, PrincipalSettings team, ReserveMode reserve)
    {
        reserve = ReserveNames.Of(team.Reserve, reserve);
        List<Budget> budgets = [];
        if (member.MaxBudgetNanoUsd is { } own)
        {
            AddNano(budgets, team.BudgetDuration, own, reserve);
        }
        else if (team.TeamMemberBudget is { } each)
        {
            Add(budgets, team.BudgetDuration, each, reserve);
        }

        return new ScopeLimits { Budgets = budgets, CountsClientPaid = team.CountClientSpend == true };
    }

    public static bool LimitsNothing(ScopeLimits limits) =>
        limits is { RequestsPerMinute: null, TokensPerMinute: null, ParallelRequests: null, SoftBudgetNanoUsd: null, Budgets.Count: 0 };

    private static string PlainModel(string model) =>
        model.StartsWith("anthropic/", StringComparison.Ordinal) ? model["anthropic/".Length..] : model;

    private static long? Find(IReadOnlyDictionary<string, long>? limits, string model) =>
        limits is not null && limits.TryGetValue(model, out long limit) ? limit : null;

    private static void Add(List<Budget> budgets, string? duration, decimal usd, ReserveMode reserve) =>
        AddNano(budgets, duration, Money.ToNano(usd), reserve);

    private static void AddNano(List<Budget> budgets, string? duration, long nano, ReserveMode reserve)
    {
        if (!BudgetPeriod.TryParse(duration, out BudgetPeriod period))
        {
            // Only an editor of the database can have written it: nothing may be spent until it is mended.
            (period, nano) = (BudgetPeriod.Forever, 0);
        }

        int same = budgets.FindIndex(budget => budget.Period == period);
        if (same < 0)
        {
            budgets.Add(new Budget(period, nano) { Reserve = reserve });
            return;
        }

        // Of two the stricter one, in both respects.
        bool isWorstCase = reserve == ReserveMode.WorstCase || budgets[same].Reserve == ReserveMode.WorstCase;
        budgets[same] = new Budget(period, Math.Min(nano, budgets[same].LimitNanoUsd))
        {
            Reserve = isWorstCase ? ReserveMode.WorstCase : ReserveMode.Learned,
        };
    }
}
