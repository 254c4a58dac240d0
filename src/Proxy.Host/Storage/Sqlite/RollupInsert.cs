using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>
/// Keeps the totals of days and scopes in the transaction of the records they come from, so that neither is ever without the other. Adds up a
/// batch first and then touches each row once. Owned by the writer's thread.
/// </summary>
internal sealed class RollupInsert : IDisposable
{
    private const long DayMs = 86_400_000;

    private readonly Dictionary<DailyKey, DailySums> _days = [];
    private readonly Dictionary<ScopeDay, ScopeSums> _scopes = [];
    private readonly SpendStatement _daily;
    private readonly SpendStatement _scopeDaily;
    private readonly SpendStatement _scopeTotal;

    public RollupInsert(SQLitePCL.sqlite3 database)
    {
        _daily = new SpendStatement(database,
            """
            INSERT INTO spend_daily (day, key_hash, team_id, user_id, model, credential, requests, failed_requests, input_tokens, cache_read_input_tokens,
                cache_creation_input_tokens, output_tokens, cost_nano_usd) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, failed_requests = failed_requests + excluded.failed_requests,
                input_tokens = input_tokens + excluded.input_tokens, cache_read_input_tokens = cache_read_input_tokens + excluded.cache_read_input_tokens,
                cache_creation_input_tokens = cache_creation_input_tokens + excluded.cache_creation_input_tokens,
                output_tokens = output_tokens + excluded.output_tokens, cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd
            """);
        _scopeDaily = new SpendStatement(database,
            """
            INSERT INTO scope_daily (kind, id, day, company_nano_usd, client_nano_usd) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET company_nano_usd = company_nano_usd + excluded.company_nano_usd, client_nano_usd = client_nano_usd + excluded.client_nano_usd
            """);
        _scopeTotal = new SpendStatement(database,
            """
            INSERT INTO scope_total (kind, id, company_nano_usd, client_nano_usd) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET company_nano_usd = company_nano_usd + excluded.company_nano_usd, client_nano_usd = client_nano_usd + excluded.client_nano_usd
            """);
    }

    /// <summary>Forgets what was added up for a transaction that did not commit.</summary>
    public void Clear()
    {
        _days.Clear();
        _scopes.Clear();
    }

    public void Add(SpendRecord record)
    {
        KeyIdentity? caller = record.Caller;
        long day = record.StartedAtUnixMs / DayMs;
        string model = (record.ModelServed.IsEmpty ? record.ModelAsked : record.ModelServed).ToString();
        DailyKey key = new(day, caller?.KeyHash ?? "", caller?.TeamId ?? "", caller?.UserId ?? "", model, record.Credential);
        _days[key] = _days.GetValueOrDefault(key).Plus(record);
        if (caller is null || record.CostNanoUsd == 0)
        {
            return;
        }

        ScopeSums sums = record.Credential == CredentialKind.Server ? new ScopeSums(record.CostNanoUsd, 0) : new ScopeSums(0, record.CostNanoUsd);
        foreach (ScopeKey scope in caller.ScopesFor(record.ModelAsked.ToString()))
        {
            ScopeDay at = new(scope, day);
            ScopeSums before = _scopes.GetValueOrDefault(at);
            _scopes[at] = new ScopeSums(before.Company + sums.Company, before.Client + sums.Client);
        }
    }

    /// <summary>Writes what was added up, and forgets it. Inside the caller's transaction.</summary>
    public void Write()
    {
        foreach ((DailyKey key, DailySums sums) in _days)
        {
            _daily.Begin();
            _daily.Number(key.Day);
            _daily.Required(key.KeyHash);
            _daily.Required(key.TeamId);
            _daily.Required(key.UserId);
            _daily.Required(key.Model);
            _daily.Word(key.Credential);
            _daily.Number(sums.Requests);
            _daily.Number(sums.Failed);
            _daily.Number(sums.Input);
            _daily.Number(sums.CacheRead);
            _daily.Number(sums.CacheWrite);
            _daily.Number(sums.Output);
            _daily.Number(sums.Cost);
            _daily.Execute();
        }

        foreach ((ScopeDay key, ScopeSums sums) in _scopes)
        {
            _scopeDaily.Begin();
            _scopeDaily.Word(key.Scope.Kind);
            _scopeDaily.Required(key.Scope.Id);
            _scopeDaily.Number(key.Day);
            _scopeDaily.Number(sums.Company);
            _scopeDaily.Number(sums.Client);
            _scopeDaily.Execute();
            _scopeTotal.Begin();
            _scopeTotal.Word(key.Scope.Kind);
            _scopeTotal.Required(key.Scope.Id);
            _scopeTotal.Number(sums.Company);
            _scopeTotal.Number(sums.Client);
            _scopeTotal.Execute();
        }

        Clear();
    }

    public void Dispose()
    {
        _daily.Dispose();
        _scopeDaily.Dispose();
        _scopeTotal.Dispose();
    }

    private readonly record struct DailyKey(long Day, string KeyHash, string TeamId, string UserId, string Model, CredentialKind Credential);

    private readonly record struct DailySums(long Requests, long Failed, long Input, long CacheRead, long CacheWrite, long Output, long Cost)
    {
        public DailySums Plus(SpendRecord record) => new(
            Requests + 1,
            Failed + (record.Status is >= 200 and <= 299 && record.EndReason == EndReason.Complete ? 0 : 1),
            Input + record.Usage.InputTokens,
            CacheRead + record.Usage.CacheReadInputTokens,
            CacheWrite + record.Usage.CacheCreationInputTokens,
            Output + record.Usage.OutputTokens,
            Cost + record.CostNanoUsd);
    }

    private readonly record struct ScopeDay(ScopeKey Scope, long Day);

    private readonly record struct ScopeSums(long Company, long Client);
}
