using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Forwarding;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;
using Proxy.Host.Admin;

namespace Proxy.Host.Telemetry;

/// <summary>What a scrape of <c>/metrics</c> tells. Never a key; scopes that limit something are named by id.</summary>
internal static class GatewayMetrics
{
    public static string Write(Gateway gateway, SpendJournal journal, SpendCounters counters, IReadOnlyList<AdmissionScope> scopes, int unusableRows, long nowMs)
    {
        MetricsText text = new();
        text.Gauge("tollway_ledger_connected", "1 while the ledger can be written.").Value("tollway_ledger_connected", gateway.Health.LedgerConnected ? 1 : 0);
        text.Gauge("tollway_journal_slots_in_use", "Requests under way or not yet in the ledger.").Value("tollway_journal_slots_in_use", journal.InUse);
        text.Gauge("tollway_journal_full", "1 while requests are refused because the journal has no room.").Value("tollway_journal_full", journal.IsFull ? 1 : 0);
        text.Gauge("tollway_connections", "Client connections.").Value("tollway_connections", gateway.Connections.Count);
        text.Counter("tollway_connections_refused_total", "Connections refused because there were too many.").Value("tollway_connections_refused_total", gateway.Connections.Refused);
        text.Counter("tollway_unknown_callers_total", "Requests refused because their key is missing or unknown, booked or not.").Value("tollway_unknown_callers_total", gateway.Unauthenticated.Count);
        text.Gauge("tollway_keys", "Virtual keys in force.").Value("tollway_keys", gateway.Snapshot.Keys.Count);
        text.Gauge("tollway_ledger_rows_unusable", "Rows of keys, teams and users that cannot be used; what depends on them is refused.")
            .Value("tollway_ledger_rows_unusable", unusableRows);
        WriteCounters(text, counters);
        WriteScopes(text, scopes, nowMs);
        return text.ToString();
    }

    private static void WriteCounters(MetricsText text, SpendCounters counters)
    {
        text.Counter("tollway_requests_total", "Requests booked, by how they ended.");
        foreach ((RequestLabels labels, long count) in counters.ReadRequests())
        {
            text.Value("tollway_requests_total", count, ("route", labels.Route), ("path", EnumNames<PathClass>.Text(labels.Path)), ("end", EnumNames<EndReason>.Text(labels.End)), ("status", $"{labels.Status}"));
        }

        text.Counter("tollway_refusals_total", "Requests refused by the gateway, by reason.");
        foreach ((RefusalReason reason, long count) in counters.ReadRefusals())
        {
            text.Value("tollway_refusals_total", count, ("reason", EnumNames<RefusalReason>.Text(reason)));
        }

        IReadOnlyList<KeyValuePair<SpendLabels, SpendSums>> spend = counters.ReadSpend();
        text.Counter("tollway_tokens_total", "Tokens booked, by kind.");
        foreach ((SpendLabels labels, SpendSums sums) in spend)
        {
            ReadOnlySpan<(string Kind, long Count)> kinds = [("input", sums.InputTokens), ("cache_read", sums.CacheReadTokens), ("cache_write", sums.CacheWriteTokens), ("output", sums.OutputTokens)];
            foreach ((string kind, long count) in kinds)
            {
                text.Value("tollway_tokens_total", count, ("route", labels.Route), ("model", labels.Model), ("payer", EnumNames<CredentialKind>.Text(labels.Payer)), ("kind", kind));
            }
        }

        text.Counter("tollway_spend_usd_total", "Money booked.");
        foreach ((SpendLabels labels, SpendSums sums) in spend)
        {
            text.Value("tollway_spend_usd_total", Money.ToUsd(sums.CostNanoUsd), ("route", labels.Route), ("model", labels.Model), ("payer", EnumNames<CredentialKind>.Text(labels.Payer)));
        }
    }

    private static void WriteScopes(MetricsText text, IReadOnlyList<AdmissionScope> scopes, long nowMs)
    {
        List<(AdmissionScope Scope, BudgetState State)> budgets = [];
        List<BudgetState> states = [];
        foreach (AdmissionScope scope in scopes)
        {
            states.Clear();
            scope.ReadBudgets(nowMs, states);
            budgets.AddRange(states.Select(state => (scope, state)));
        }

        Each("tollway_budget_spent_usd", "Spent in the current window.", static (_, state) => Money.ToUsd(state.SpentNanoUsd));
        Each("tollway_budget_reserved_usd", "Reserved by requests under way.", static (_, state) => Money.ToUsd(state.ReservedNanoUsd));
        Each("tollway_budget_limit_usd", "What may be spent in the window.", static (_, state) => state.LimitNanoUsd == long.MaxValue ? null : Money.ToUsd(state.LimitNanoUsd));
        Each("tollway_budget_soft_reached", "1 while the soft budget is reached.", static (scope, state) =>
            scope.Limits.SoftBudgetNanoUsd is { } soft ? state.SpentNanoUsd >= soft ? 1 : 0 : null);

        void Each(string name, string help, Func<AdmissionScope, BudgetState, decimal?> read)
        {
            text.Gauge(name, help);
            foreach ((AdmissionScope scope, BudgetState state) in budgets)
            {
                if (read(scope, state) is { } value)
                {
                    text.Value(name, value, ("kind", EnumNames<ScopeKind>.Text(scope.Kind)), ("id", scope.Id), ("period", state.Period.Name));
                }
            }
        }
    }
}
