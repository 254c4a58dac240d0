using System.Text.Json;

namespace Proxy.Host.Storage;

/// <summary>
/// What a key, a team or a user may do, as its <c>settings</c> column says it: LiteLLM's names, absent for unset. Only what the gateway acts upon;
/// whatever else stands there is kept and shown, and not read here.
/// </summary>
internal sealed record PrincipalSettings
{
    public static readonly PrincipalSettings None = new();

    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>USD.</summary>
    public decimal? MaxBudget { get; init; }

    public decimal? SoftBudget { get; init; }

    public string? BudgetDuration { get; init; }

    public IReadOnlyList<BudgetLimitSetting>? BudgetLimits { get; init; }

    public long? TpmLimit { get; init; }

    public long? RpmLimit { get; init; }

    public int? MaxParallelRequests { get; init; }

    public IReadOnlyDictionary<string, long>? ModelTpmLimit { get; init; }

    public IReadOnlyDictionary<string, long>? ModelRpmLimit { get; init; }

    public IReadOnlyDictionary<string, ModelBudgetSetting>? ModelMaxBudget { get; init; }

    public decimal? TempBudgetIncrease { get; init; }

    public DateTimeOffset? TempBudgetExpiry { get; init; }

    /// <summary>Ours: which things of the workspace behind the company's key are allowed.</summary>
    public IReadOnlyList<string>? WorkspaceAccess { get; init; }

    /// <summary>Ours: budgets count what clients pay themselves too.</summary>
    public bool? CountClientSpend { get; init; }

    /// <summary>Ours: what budgets that do not say it themselves set aside for requests under way.</summary>
    public string? Reserve { get; init; }

    /// <summary>What every member of a team may spend in it.</summary>
    public decimal? TeamMemberBudget { get; init; }

    /// <exception cref="JsonException">The column holds something else; nobody but an editor of the database can have done that.</exception>
    public static PrincipalSettings Parse(string? json) =>
        string.IsNullOrEmpty(json) ? None : JsonSerializer.Deserialize(json, StorageJson.Default.PrincipalSettings) ?? None;
}
