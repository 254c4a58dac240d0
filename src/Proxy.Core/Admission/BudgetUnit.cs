namespace Proxy.Core.Admission;

/// <summary>What a <see cref="BudgetPeriod"/> counts in.</summary>
internal enum BudgetUnit : byte
{
    Forever = 0,
    Second,
    Day,
    Month,
}
