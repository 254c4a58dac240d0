using Microsoft.Data.Sqlite;
using Proxy.Core.Admission;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>What a scope's budget has counted in its current window, from the ledger's roll-ups: the number that LiteLLM calls <c>spend</c>.</summary>
internal static class ScopeSpend
{
    private const long DayMs = 86_400_000;

    /// <summary>The period by which a row's <c>spend</c> is told: that of <c>max_budget</c>, or all time.</summary>
    public static BudgetPeriod PeriodOf(PrincipalSettings settings) =>
        BudgetPeriod.TryParse(settings.BudgetDuration, out BudgetPeriod period) ? period : BudgetPeriod.Forever;

    public static long Read(SqliteConnection connection, string kind, string id, PrincipalSettings settings, long nowMs) =>
        Read(connection, kind, id, PeriodOf(settings), settings.CountClientSpend == true, nowMs);

    public static long Read(SqliteConnection connection, string kind, string id, BudgetPeriod period, bool countsClient, long nowMs) =>
        Math.Max(0, ReadCounted(connection, kind, id, period, countsClient, nowMs) + ReadAdjustment(connection, kind, id, period, nowMs));

    /// <summary>Without corrections.</summary>
    public static long ReadCounted(SqliteConnection connection, string kind, string id, BudgetPeriod period, bool countsClient, long nowMs)
    {
        string amount = countsClient ? "company_nano_usd + client_nano_usd" : "company_nano_usd";
        using SqliteCommand command = connection.CreateCommand();
        command.Parameters.AddWithValue("$kind", kind);
        command.Parameters.AddWithValue("$id", id);
        long start = period.StartOf(nowMs);
#pragma warning disable CA2100 // One of two constants.
        if (period == BudgetPeriod.Forever)
        {
            command.CommandText = $"SELECT coalesce(sum({amount}), 0) FROM scope_total WHERE kind = $kind AND id = $id";
        }
        else
        {
            // Parts of a day are told as the whole day: the gateway's own counters are exact.
            command.CommandText = $"SELECT coalesce(sum({amount}), 0) FROM scope_daily WHERE kind = $kind AND id = $id AND day >= $day";
            command.Parameters.AddWithValue("$day", start / DayMs);
        }
#pragma warning restore CA2100
        return (long)command.ExecuteScalar()!;
    }

    private static long ReadAdjustment(SqliteConnection connection, string kind, string id, BudgetPeriod period, long nowMs)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT nano_usd FROM budget_adjustments WHERE kind = $kind AND id = $id AND duration = $duration AND window_start_ms = $start";
        command.Parameters.AddWithValue("$kind", kind);
        command.Parameters.AddWithValue("$id", id);
        command.Parameters.AddWithValue("$duration", period.ToString());
        command.Parameters.AddWithValue("$start", period.StartOf(nowMs));
        return command.ExecuteScalar() as long? ?? 0;
    }

    /// <summary>Makes every budget of the scope count this as spent in its current window.</summary>
    public static void SetSpent(PrincipalWriter writer, string kind, string id, PrincipalSettings settings, decimal usd)
    {
        HashSet<BudgetPeriod> periods = [PeriodOf(settings)];
        foreach (BudgetLimitSetting limit in settings.BudgetLimits ?? [])
        {
            if (BudgetPeriod.TryParse(limit.BudgetDuration, out BudgetPeriod period))
            {
                periods.Add(period);
            }
        }

        foreach (BudgetPeriod period in periods)
        {
            long counted = ReadCounted(writer.Connection, kind, id, period, settings.CountClientSpend == true, writer.NowMs);
            writer.Put(new AdjustmentRow(kind, id, period.ToString(), period.StartOf(writer.NowMs), Money.ToNano(usd) - counted));
        }
    }
}
