namespace Proxy.Host.Storage;

/// <summary>What a key may spend on one model; USD.</summary>
internal sealed record ModelBudgetSetting(decimal BudgetLimit, string? TimePeriod);
