using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Core.Admission;
using Proxy.Host.Storage;

namespace Proxy.Host.Admin;

/// <summary>Rows in the shapes that LiteLLM's users expect (litellm-compat.md §3.3, §3.4): every field of theirs is there, what was set and else null.</summary>
internal static class RowJson
{
    public static JsonObject OfKey(KeyChain key, SqliteConnection connection, long nowMs)
    {
        KeyRow row = key.Current;
        PrincipalSettings settings = SettingsOf(row.Settings);
        JsonObject json = new()
        {
            ["token"] = row.Hash,
            ["token_id"] = row.Hash,
            ["key_name"] = row.Name,
            ["key_alias"] = row.Alias,
            ["spend"] = Money.ToUsd(ScopeSpend.Read(connection, "key", row.ScopeId, settings, nowMs)),
            ["expires"] = row.ExpiresAtMs is { } expires ? Times.Iso(expires) : null,
            ["user_id"] = row.UserId,
            ["team_id"] = row.TeamId,
            ["blocked"] = row.Blocked || key.IsOrphan,
            ["values"] = ValuesOf(key, nowMs),
            ["aliases"] = new JsonObject(),
            ["config"] = new JsonObject(),
            ["permissions"] = new JsonObject(),
            ["allowed_cache_controls"] = new JsonArray(),
            ["model_spend"] = new JsonObject(),
            ["litellm_budget_table"] = null,
        };
        AddLimits(json, settings, nowMs);
        json["max_parallel_requests"] = null;
        json["model_max_budget"] = new JsonObject();
        json["model_tpm_limit"] = null;
        json["model_rpm_limit"] = null;
        json["organization_id"] = null;
        json["tags"] = new JsonArray();
        Overlay(json, row.Settings);
        json["metadata"] = TryParse(row.Metadata) ?? [];
        if (row.ReplacedBy is not null)
        {
            json["replaced_by"] = row.ReplacedBy;
        }

        AddStamps(json, row.CreatedAtMs, row.CreatedBy, row.UpdatedAtMs, row.UpdatedBy);
        return json;
    }

    public static JsonObject OfTeam(TeamRow row, IReadOnlyList<MemberRow> members, SqliteConnection connection, long nowMs)
    {
        PrincipalSettings settings = SettingsOf(row.Settings);
        JsonObject json = new()
        {
            ["team_id"] = row.TeamId,
            ["team_alias"] = row.Alias,
            ["organization_id"] = null,
            ["spend"] = Money.ToUsd(ScopeSpend.Read(connection, "team", row.TeamId, settings, nowMs)),
            ["blocked"] = row.Blocked,
            ["admins"] = new JsonArray(),
            ["members"] = new JsonArray(),
            ["members_with_roles"] = MembersOf(members),
            ["max_parallel_requests"] = null,
            ["tags"] = new JsonArray(),
        };
        AddLimits(json, settings, nowMs);
        Overlay(json, row.Settings);
        json["metadata"] = TryParse(row.Metadata) ?? [];
        AddStamps(json, row.CreatedAtMs, row.CreatedBy, row.UpdatedAtMs, row.UpdatedBy);
        return json;
    }

    public static JsonObject OfUser(UserRow row, IReadOnlyList<MemberRow> teams, SqliteConnection connection, long nowMs)
    {
        PrincipalSettings settings = SettingsOf(row.Settings);
        JsonObject json = new()
        {
            ["user_id"] = row.UserId,
            ["user_email"] = row.Email,
            ["user_alias"] = row.Alias,
            ["user_role"] = row.Role ?? "internal_user",
            ["spend"] = Money.ToUsd(ScopeSpend.Read(connection, "user", row.UserId, settings, nowMs)),
            ["blocked"] = row.Blocked,
            ["teams"] = new JsonArray([.. teams.Select(team => (JsonNode)team.TeamId)]),
            ["max_parallel_requests"] = null,
        };
        AddLimits(json, settings, nowMs);
        Overlay(json, row.Settings);
        json["metadata"] = TryParse(row.Metadata) ?? [];
        AddStamps(json, row.CreatedAtMs, row.CreatedBy, row.UpdatedAtMs, row.UpdatedBy);
        return json;
    }

    public static JsonObject OfMember(MemberRow member, SqliteConnection connection) => new()
    {
        ["user_id"] = member.UserId,
        ["team_id"] = member.TeamId,
        ["role"] = member.Role,
        ["spend"] = Money.ToUsd(ScopeSpend.Read(connection, "member", $"{member.TeamId}/{member.UserId}", BudgetPeriod.Forever, countsClient: false, 0)),
        ["litellm_budget_table"] = member.MaxBudgetNanoUsd is { } budget ? new JsonObject { ["max_budget"] = Money.ToUsd(budget) } : null,
    };

    /// <summary>What still opens the door: the current value last, before it those that it replaced, each with its end.</summary>
    private static JsonArray ValuesOf(KeyChain key, long nowMs) => new(
    [
        .. key.InForce().Where(value => !value.Blocked && (value.ExpiresAtMs is null || value.ExpiresAtMs > nowMs)).Select(value => new JsonObject
        {
            ["token"] = value.Hash,
            ["key_name"] = value.Name,
            ["expires"] = value.ExpiresAtMs is { } end ? Times.Iso(end) : null,
        }),
    ]);

    private static JsonArray MembersOf(IReadOnlyList<MemberRow> members) =>
        new([.. members.Select(member => new JsonObject { ["role"] = member.Role, ["user_id"] = member.UserId })]);

    private static void AddLimits(JsonObject json, PrincipalSettings settings, long nowMs)
    {
        BudgetPeriod period = ScopeSpend.PeriodOf(settings);
        json["models"] = new JsonArray();
        json["max_budget"] = null;
        json["soft_budget"] = null;
        json["budget_duration"] = null;
        json["budget_limits"] = null;
        json["budget_reset_at"] = period == BudgetPeriod.Forever ? null : Times.Iso(period.EndOf(nowMs));
        json["tpm_limit"] = null;
        json["rpm_limit"] = null;
    }

    private static void Overlay(JsonObject json, string? settings)
    {
        if (TryParse(settings) is not { } stored)
        {
            json["settings_unreadable"] = true;
            return;
        }

        foreach ((string name, JsonNode? value) in stored)
        {
            json[name] = value?.DeepClone();
        }
    }

    // A row that cannot be used must still be shown, blocked and deleted.
    private static PrincipalSettings SettingsOf(string? stored)
    {
        try
        {
            return PrincipalSettings.Parse(stored);
        }
        catch (JsonException)
        {
            return PrincipalSettings.None;
        }
    }

    private static JsonObject? TryParse(string? stored)
    {
        try
        {
            return SettingsRules.Parse(stored);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void AddStamps(JsonObject json, long createdAtMs, string? createdBy, long? updatedAtMs, string? updatedBy)
    {
        json["created_at"] = Times.Iso(createdAtMs);
        json["created_by"] = createdBy;
        json["updated_at"] = Times.Iso(updatedAtMs ?? createdAtMs);
        json["updated_by"] = updatedBy ?? createdBy;
    }
}
