namespace Proxy.Host.Storage;

/// <summary>One budget of several; USD.</summary>
internal sealed record BudgetLimitSetting(string? BudgetDuration, decimal MaxBudget);
