namespace Proxy.Host.Storage;

/// <summary>One budget of several; USD.</summary>
/// <param name="Reserve">What it sets aside for requests under way; null as the principal says.</param>
internal sealed record BudgetLimitSetting(string? BudgetDuration, decimal MaxBudget, string? Reserve = null);
