namespace Proxy.Host.Storage;

/// <summary>What a key may spend on one model; USD.</summary>
/// <param name="Reserve">What it sets aside for requests under way; null as the key says.</param>
internal sealed record ModelBudgetSetting(decimal BudgetLimit, string? TimePeriod, string? Reserve = null);
