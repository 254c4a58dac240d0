using System.Text.Json;
using Microsoft.Data.Sqlite;
using Proxy.Core.Spend;
using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Host.Admin;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Composition;

/// <summary>
/// Makes principals of the ledger's rows. Its scopes, with their counters, live as long as the process: each reading hands the same ones out
/// again, with the limits as they are now. One reading at a time.
/// </summary>
internal sealed class PrincipalCatalog
{
    private readonly Dictionary<(ScopeKind Kind, string Id), AdmissionScope> _scopes = [];
    private readonly Dictionary<AdmissionScope, BudgetPeriod[]> _seeded = [];
    private Dictionary<string, Principal> _byHash = new(StringComparer.Ordinal);

    /// <summary>What budgets that do not say it set aside for requests under way; takes effect with the next reading.</summary>
    public ReserveMode Reserve { get; set; }

    /// <summary>The version of the rows that the latest reading saw.</summary>
    public long Version { get; private set; }

    /// <summary>All scopes that limit something; for metrics and soft budgets.</summary>
    public IReadOnlyList<AdmissionScope> Scopes { get; private set; } = [];

    /// <summary>What is said of the rows that the latest reading could not use; keys that hang on them are refused.</summary>
    public IReadOnlyList<string> Unusable { get; private set; } = [];

    public Principal? Find(string keyHash) => Volatile.Read(ref _byHash).GetValueOrDefault(keyHash);

    /// <summary>A scope of the latest reading. Only between two readings.</summary>
    public AdmissionScope? FindScope(ScopeName name) => _scopes.GetValueOrDefault((name.Kind, name.Id));

    /// <summary>Reads the ledger and brings scopes up to date: limits, corrections, and for budgets that are new what was spent before.</summary>
    public IReadOnlyList<Principal> Read(SqliteConnection connection, long nowMs)
    {
        Principals rows = PrincipalReader.ReadAll(connection);
        Reading reading = new(this, rows, new ScopeSpendReader(connection, nowMs), nowMs);
        List<Principal> principals = [.. KeyChain.Of(rows.Keys).SelectMany(chain => chain.InForce()).Select(reading.Make)];
        ApplyAdjustments(rows);
        foreach (AdmissionScope unused in _scopes.Values.Except(reading.Used).ToArray())
        {
            // What is limited again later begins with what the ledger knows then.
            _scopes.Remove((unused.Kind, unused.Id));
            _seeded.Remove(unused);
        }

        Version = rows.Version;
        Scopes = [.. reading.Used];
        Unusable = reading.Unusable;
        Volatile.Write(ref _byHash, principals.ToDictionary(principal => principal.Key.KeyHash, StringComparer.Ordinal));
        return principals;
    }

    private void ApplyAdjustments(Principals rows)
    {
        foreach (AdjustmentRow row in rows.Adjustments)
        {
            if (EnumNames<ScopeKind>.TryParse(row.Kind, out ScopeKind kind)
                && _scopes.TryGetValue((kind, row.Id), out AdmissionScope? scope)
                && BudgetPeriod.TryParse(row.Duration, out BudgetPeriod period))
            {
                scope.SetAdjustment(period, row.WindowStartMs, row.NanoUsd);
            }
        }
    }

    private sealed class Reading
    {
        private readonly PrincipalCatalog _catalog;
        private readonly ScopeSpendReader _spent;
        private readonly long _nowMs;
        private readonly Dictionary<string, (TeamRow Row, PrincipalSettings Settings, bool IsBroken)> _teams;
        private readonly Dictionary<string, (UserRow Row, PrincipalSettings Settings, bool IsBroken)> _users;
        private readonly Dictionary<(string Team, string User), MemberRow> _members;

        public Reading(PrincipalCatalog catalog, Principals rows, ScopeSpendReader spent, long nowMs)
        {
            _catalog = catalog;
            _spent = spent;
            _nowMs = nowMs;
            _teams = rows.Teams.ToDictionary(row => row.TeamId, row => (row, Settings("team", row.TeamId, row.Settings, out bool broken), broken), StringComparer.Ordinal);
            _users = rows.Users.ToDictionary(row => row.UserId, row => (row, Settings("user", row.UserId, row.Settings, out bool broken), broken), StringComparer.Ordinal);
            _members = rows.Members.ToDictionary(row => (row.TeamId, row.UserId));
        }

        public HashSet<AdmissionScope> Used { get; } = [];

        public List<string> Unusable { get; } = [];

        public Principal Make(KeyRow row)
        {
            PrincipalSettings settings = Settings("key", row.Alias ?? row.Name ?? "(no alias)", row.Settings, out bool isBroken);
            List<AdmissionScope> scopes = [];
            Add(scopes, ScopeKind.Key, row.ScopeId, PrincipalLimits.Of(settings, _catalog.Reserve));
            ModelAllowList? teamModels = null;
            bool isTeamBlocked = false;
            bool isUserBlocked = false;
            if (row.TeamId is not null && _teams.TryGetValue(row.TeamId, out (TeamRow Row, PrincipalSettings Settings, bool IsBroken) team))
            {
                isTeamBlocked = team.Row.Blocked || team.IsBroken;
                teamModels = PrincipalLimits.ModelsOf(team.Settings);
                Add(scopes, ScopeKind.Team, row.TeamId, PrincipalLimits.Of(team.Settings, _catalog.Reserve));
                if (row.UserId is not null && _members.TryGetValue((row.TeamId, row.UserId), out MemberRow? member))
                {
                    Add(
                        scopes,
                        ScopeKind.Member,
                        ScopeKey.OfMember(row.TeamId, row.UserId).Id,
                        PrincipalLimits.OfMember(member, team.Settings, _catalog.Reserve));
                }
            }

            if (row.UserId is not null && _users.TryGetValue(row.UserId, out (UserRow Row, PrincipalSettings Settings, bool IsBroken) user))
            {
                isUserBlocked = user.Row.Blocked || user.IsBroken;

                // As with LiteLLM a user's models hold for keys of no team.
                teamModels ??= row.TeamId is null ? PrincipalLimits.ModelsOf(user.Settings) : null;
                Add(scopes, ScopeKind.User, row.UserId, PrincipalLimits.Of(user.Settings, _catalog.Reserve));
            }

            return new Principal
            {
                Key = new KeyIdentity(row.Hash, row.Alias, row.TeamId, row.UserId, row.ScopeId),
                IsBlocked = row.Blocked || isBroken,
                IsTeamBlocked = isTeamBlocked,
                IsUserBlocked = isUserBlocked,
                ExpiresAtUnixMs = row.ExpiresAtMs,
                Models = PrincipalLimits.ModelsOf(settings),
                TeamModels = teamModels,
                Workspace = PrincipalLimits.WorkspaceOf(settings),
                Scopes = scopes,
                ModelScopes = [.. PrincipalLimits.OfModels(settings, _catalog.Reserve).Select(entry => new ModelScope(entry.Model, ScopeOfModel(row.ScopeId, entry.Model, entry.Limits)))],
            };
        }

        private PrincipalSettings Settings(string kind, string name, string? json, out bool isBroken)
        {
            try
            {
                isBroken = false;
                PrincipalSettings settings = PrincipalSettings.Parse(json);

                // Whatever is made of them must be possible: amounts beyond what is counted, lists with holes.
                _ = PrincipalLimits.Of(settings, _catalog.Reserve);
                _ = PrincipalLimits.OfModels(settings, _catalog.Reserve).Count();
                _ = PrincipalLimits.ModelsOf(settings);
                _ = PrincipalLimits.WorkspaceOf(settings);
                _ = Money.ToNano(settings.TeamMemberBudget ?? 0);
                return settings;
            }
            catch (Exception fault) when (fault is JsonException or OverflowException or ArgumentException or NullReferenceException)
            {
                // Refused rather than unlimited.
                Unusable.Add($"the settings of {kind} {name} cannot be read: {fault.Message}");
                isBroken = true;
                return PrincipalSettings.None;
            }
        }

        private void Add(List<AdmissionScope> scopes, ScopeKind kind, string id, ScopeLimits limits)
        {
            if (!PrincipalLimits.LimitsNothing(limits))
            {
                scopes.Add(Scope(kind, id, limits, period => _spent.Find(EnumNames<ScopeKind>.Text(kind), id, period, limits.CountsClientPaid)));
            }
        }

        private AdmissionScope ScopeOfModel(string scopeId, string model, ScopeLimits limits) =>
            Scope(ScopeKind.KeyModel, ScopeKey.OfModel(scopeId, model).Id, limits, period => _spent.Find(
                EnumNames<ScopeKind>.Text(ScopeKind.KeyModel), ScopeKey.OfModel(scopeId, model).Id, period, limits.CountsClientPaid));

        private AdmissionScope Scope(ScopeKind kind, string id, ScopeLimits limits, Func<BudgetPeriod, long> spent)
        {
            if (!_catalog._scopes.TryGetValue((kind, id), out AdmissionScope? scope))
            {
                _catalog._scopes[(kind, id)] = scope = new AdmissionScope(kind, id);
            }

            // Many keys share a team: its limits are set once a reading.
            if (!Used.Add(scope))
            {
                return scope;
            }

            scope.Limits = limits;
            BudgetPeriod[] periods = limits.Budgets.Count == 0 && limits.SoftBudgetNanoUsd is not null ? [BudgetPeriod.Forever] : [.. limits.Budgets.Select(budget => budget.Period)];
            foreach (BudgetPeriod period in periods.Except(_catalog._seeded.GetValueOrDefault(scope, [])))
            {
                scope.AddSpent(period, period.StartOf(_nowMs), spent(period));
            }

            _catalog._seeded[scope] = periods;
            return scope;
        }
    }
}
