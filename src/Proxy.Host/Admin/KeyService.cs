using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Admin;

/// <summary>What operators do to virtual keys, in LiteLLM's words (litellm-compat.md §3.3). Each change is one transaction with its audit row.</summary>
internal sealed class KeyService(AdminContext context)
{
    /// <summary>The one time that a key is shown.</summary>
    public JsonObject Generate(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        string key = TakeKey(request, "key");
        KeyRow row = Fill(new KeyRow { Hash = KeyHash.Of(key), ScopeId = KeyHash.Of(key), Name = NameOf(key), CreatedAtMs = writer.NowMs, CreatedBy = actor }, request, writer);
        decimal? spend = request.Money("spend");
        request.Finish();
        if (Find(writer.Connection, row.Hash) is not null)
        {
            throw AdminException.Invalid("key", "this key exists already");
        }

        writer.Put(row);
        if (spend > 0)
        {
            ScopeSpend.SetSpent(writer, "key", row.ScopeId, PrincipalSettings.Parse(row.Settings), spend.Value);
        }

        JsonObject answer = Done(writer, "key.create", new KeyChain(row, []), before: null);
        answer["key"] = key;
        return answer;
    }

    public JsonObject Update(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        KeyChain key = Get(writer.Connection, request.Required("key"));
        JsonObject before = RowJson.OfKey(key, writer.Connection, writer.NowMs);
        KeyRow changed = Fill(key.Current, request, writer) with { UpdatedAtMs = writer.NowMs, UpdatedBy = actor };
        decimal? spend = request.Money("spend");
        request.Finish();
        key = Put(writer, key, changed, setsBlocked: request.Has("blocked"));
        if (spend is not null)
        {
            ScopeSpend.SetSpent(writer, "key", changed.ScopeId, PrincipalSettings.Parse(changed.Settings), spend.Value);
        }

        JsonObject answer = Done(writer, "key.update", key, before);
        answer["key"] = changed.Hash;
        return answer;
    }

    /// <summary>Several at once; what fails does not stop the rest.</summary>
    public JsonObject BulkUpdate(JsonObject body, string actor)
    {
        JsonArray done = [];
        JsonArray failed = [];
        foreach (JsonNode? item in body["keys"] as JsonArray ?? throw AdminException.Invalid("keys", "must be a list of updates"))
        {
            try
            {
                done.Add((JsonNode)Update(item as JsonObject ?? throw AdminException.Invalid("keys", "must be a list of objects"), actor));
            }
            catch (AdminException fault)
            {
                failed.Add((JsonNode)new JsonObject { ["key"] = KeyOf(item as JsonObject), ["failed_reason"] = fault.Message });
            }
        }

        return new JsonObject { ["total_requested"] = done.Count + failed.Count, ["successful_updates"] = done, ["failed_updates"] = failed };
    }

    public JsonObject SetBlocked(JsonObject body, bool blocked, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        KeyChain key = Get(writer.Connection, request.Required("key"));
        request.Finish();
        JsonObject before = RowJson.OfKey(key, writer.Connection, writer.NowMs);
        key = Put(writer, key, key.Current with { Blocked = blocked, UpdatedAtMs = writer.NowMs, UpdatedBy = actor }, setsBlocked: true);
        return Done(writer, blocked ? "key.block" : "key.unblock", key, before);
    }

    public JsonObject Delete(JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        List<KeyChain> keys = [.. request.Texts("keys").Select(key => Get(writer.Connection, key))];
        foreach (string alias in request.Texts("key_aliases"))
        {
            keys.AddRange(GetByAlias(writer.Connection, alias));
        }

        request.Finish();
        if (keys.Count == 0)
        {
            throw AdminException.Invalid("keys", "name at least one key, or an alias in key_aliases");
        }

        // Whoever names a key twice, by its alias and by a value, means it once.
        KeyChain[] named = [.. keys.DistinctBy(key => key.Current.Hash)];
        foreach (KeyChain key in named)
        {
            Remove(writer, key);
        }

        writer.Commit();
        context.PrincipalsChanged();
        return new JsonObject { ["deleted_keys"] = new JsonArray([.. named.SelectMany(key => key.Values).Select(row => (JsonNode)row.Hash)]) };
    }

    /// <summary>A new value of a key: same limits, same counters. Those before live on for the grace period at most, or end at once.</summary>
    public JsonObject Regenerate(string? named, JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        string asked = request.Text("key") ?? named ?? throw AdminException.Invalid("key", "is missing");
        KeyChain chain = Get(writer.Connection, asked);
        KeyRow old = chain.Current;
        if (chain.IsOrphan || chain.Older.Any(value => value.Hash == HashOf(asked)))
        {
            // Asked again with the value that was replaced, a second rotation is hardly meant.
            throw AdminException.Invalid("key", "has been replaced already: name its alias or its current value");
        }

        string key = TakeKey(request, "new_key");
        TimeSpan? grace = request.Duration("grace_period", context.Time.GetUtcNow());
        string hash = KeyHash.Of(key);
        KeyRow fresh = Fill(old with { Hash = hash, Name = NameOf(key), CreatedAtMs = writer.NowMs, CreatedBy = actor, UpdatedAtMs = null, UpdatedBy = null }, request, writer);
        request.Finish();
        if (Find(writer.Connection, hash) is not null)
        {
            throw AdminException.Invalid("new_key", "this key exists already");
        }

        JsonObject before = RowJson.OfKey(chain, writer.Connection, writer.NowMs);
        List<KeyRow> older = [];
        foreach (KeyRow value in chain.Values)
        {
            if (grace is null)
            {
                RemoveValue(writer, chain, value, "key.rotate_out");
                continue;
            }

            long ends = Math.Min(value.ExpiresAtMs ?? long.MaxValue, writer.NowMs + (long)grace.Value.TotalMilliseconds);
            older.Add(value with { ReplacedBy = hash, ExpiresAtMs = ends, UpdatedAtMs = writer.NowMs, UpdatedBy = actor });
            writer.Put(older[^1]);
        }

        writer.Put(fresh);
        JsonObject answer = Done(writer, "key.rotate", new KeyChain(fresh, older), before);
        answer["key"] = key;
        return answer;
    }

    public JsonObject ResetSpend(string named, JsonObject body, string actor)
    {
        using PrincipalWriter writer = Write(actor);
        RequestFields request = new(body);
        decimal amount = request.Money("reset_to") ?? 0;
        request.Finish();
        KeyChain key = Get(writer.Connection, named);
        JsonObject before = RowJson.OfKey(key, writer.Connection, writer.NowMs);
        ScopeSpend.SetSpent(writer, "key", key.Current.ScopeId, PrincipalSettings.Parse(key.Current.Settings), amount);
        return Done(writer, "key.reset_spend", key, before);
    }

    /// <summary>What a key may know of itself. Null for whatever is no key that opens the door, whatever the reason.</summary>
    public JsonObject? InfoOfHolder(string key)
    {
        using SqliteConnection connection = Read();
        string hash = KeyHash.Of(key);
        return FindChain(connection, hash) is { } chain && KeyReader.IsKey(key)
            ? new JsonObject { ["key"] = chain.Values.First(value => value.Hash == hash).Name, ["info"] = RowJson.OfKey(chain, connection, context.NowMs) }
            : null;
    }

    public JsonObject Info(string key)
    {
        using SqliteConnection connection = Read();
        KeyChain chain = Get(connection, key);
        bool isClear = key.StartsWith("sk-", StringComparison.Ordinal);
        return new JsonObject { ["key"] = isClear ? chain.Current.Name ?? chain.Current.Hash : chain.Current.Hash, ["info"] = RowJson.OfKey(chain, connection, context.NowMs) };
    }

    /// <summary><c>/v2/key/info</c>: of several keys; unknown ones are left out.</summary>
    public JsonObject InfoOfMany(JsonObject body)
    {
        using SqliteConnection connection = Read();
        RequestFields request = new(body);
        JsonArray rows = [];
        foreach (string key in request.Texts("keys"))
        {
            if (FindChain(connection, HashOf(key)) is { } row)
            {
                rows.Add((JsonNode)RowJson.OfKey(row, connection, context.NowMs));
            }
        }

        return new JsonObject { ["key"] = new JsonArray([.. rows.Select(row => (JsonNode)row!["token"]!.GetValue<string>())]), ["info"] = rows };
    }

    public JsonObject List(KeyFilter filter)
    {
        using SqliteConnection connection = Read();
        List<KeyChain> rows = [.. PrincipalReader.KeyChains(connection, "", "").Where(key => filter.Matches(key.Current))];
        IEnumerable<KeyChain> page = rows.Skip((filter.Page - 1) * filter.Size).Take(filter.Size);
        return new JsonObject
        {
            ["keys"] = new JsonArray([.. page.Select(row => filter.FullObjects ? RowJson.OfKey(row, connection, context.NowMs) : (JsonNode)row.Current.Hash)]),
            ["total_count"] = rows.Count,
            ["current_page"] = filter.Page,
            ["total_pages"] = (rows.Count + filter.Size - 1) / filter.Size,
        };
    }

    public JsonObject Aliases()
    {
        using SqliteConnection connection = Read();
        IEnumerable<string> aliases = PrincipalReader.Keys(connection, "WHERE alias IS NOT NULL", "").Select(row => row.Alias!).Distinct(StringComparer.Ordinal);
        return new JsonObject { ["aliases"] = new JsonArray([.. aliases.Select(alias => (JsonNode)alias)]) };
    }

    /// <summary>A key by any of its values, the hash of one, or its alias.</summary>
    /// <exception cref="AdminException">404.</exception>
    public static KeyChain Get(SqliteConnection connection, string named)
    {
        if (FindChain(connection, HashOf(named)) is { } key)
        {
            return key;
        }

        IReadOnlyList<KeyChain> byAlias = [.. PrincipalReader.KeyChains(connection, "WHERE alias = $value", named).Where(one => one.Current.Alias == named)];

        // Never repeats what was asked: it may be a key.
        return byAlias.Count == 1 ? byAlias[0] : throw AdminException.NotFound("key", "there is no such key");
    }

    public static KeyRow? Find(SqliteConnection connection, string hash) => PrincipalReader.Keys(connection, "WHERE hash = $value", hash) is [KeyRow row, ..] ? row : null;

    private static KeyChain? FindChain(SqliteConnection connection, string hash) =>
        PrincipalReader.KeyChains(connection, "WHERE hash = $value", hash).FirstOrDefault(key => key.Values.Any(value => value.Hash == hash));

    private static IReadOnlyList<KeyChain> GetByAlias(SqliteConnection connection, string alias)
    {
        IReadOnlyList<KeyChain> rows = [.. PrincipalReader.KeyChains(connection, "WHERE alias = $value", alias).Where(one => one.Current.Alias == alias)];
        return rows.Count > 0 ? rows : throw AdminException.NotFound("key_aliases", "there is no key of this alias");
    }

    private static string HashOf(string named) => named.StartsWith("sk-", StringComparison.Ordinal) ? KeyHash.Of(named) : named.ToLowerInvariant();

    private static string? KeyOf(JsonObject? item) => item?["key"]?.ToString() is { } key && !key.StartsWith("sk-", StringComparison.Ordinal) ? key : null;

    private static string NameOf(string key) => "sk-..." + key[^4..];

    private string TakeKey(RequestFields request, string name)
    {
        JsonNode? given = request.Node(name);
        if (given is null)
        {
            return KeyHash.NewKey();
        }

        if (given is not JsonValue value || !value.TryGetValue(out string? key) || key.Length < 20 || !KeyReader.IsKey(key))
        {
            throw AdminException.Invalid(name, "must be sk- and 17 or more visible ASCII characters");
        }

        return KeyHash.Of(key) == context.AdminKeyHash() ? throw AdminException.Invalid(name, "is the admin key, which opens nothing else") : key;
    }

    /// <summary>What create, update and rotate have in common.</summary>
    private KeyRow Fill(KeyRow row, RequestFields request, PrincipalWriter writer)
    {
        string? alias = request.Has("key_alias") ? request.Text("key_alias") : row.Alias;
        if (alias is not null && alias != row.Alias && PrincipalReader.Keys(writer.Connection, "WHERE alias = $value AND replaced_by IS NULL", alias).Count > 0)
        {
            throw AdminException.Invalid("key_alias", "another key has this alias");
        }

        string? teamId = request.Has("team_id") ? request.Text("team_id") : row.TeamId;
        if (teamId is not null && teamId != row.TeamId && PrincipalReader.Teams(writer.Connection, "WHERE team_id = $value", teamId).Count == 0)
        {
            throw AdminException.NotFound("team_id", "there is no such team: create it with /team/new");
        }

        string? userId = request.Has("user_id") ? request.Text("user_id") : row.UserId;
        if (userId is not null && PrincipalReader.Users(writer.Connection, "WHERE user_id = $value", userId).Count == 0)
        {
            // As LiteLLM does: whoever gets a key is a user.
            writer.Put(new UserRow { UserId = userId, CreatedAtMs = writer.NowMs, CreatedBy = writer.Actor });
        }

        DateTimeOffset now = context.Time.GetUtcNow();
        long? expires = request.Has("duration") ? ExpiryOf(request.Duration("duration", now), now) : row.ExpiresAtMs;
        if (request.Has("expires"))
        {
            expires = request.Text("expires") is { } text ? (Times.Parse(text) ?? throw AdminException.Invalid("expires", "must be a UTC date or time such as 2026-12-31")).ToUnixTimeMilliseconds() : null;
        }

        return row with
        {
            Alias = alias,
            TeamId = teamId,
            UserId = userId,
            ExpiresAtMs = expires,
            Blocked = request.Flag("blocked") ?? row.Blocked,
            Settings = SettingsRules.Merge(row.Settings, request),
            Metadata = request.Has("metadata") ? request.Object("metadata") is { Count: > 0 } metadata ? metadata.ToJsonString() : null : row.Metadata,
        };
    }

    private static long? ExpiryOf(TimeSpan? duration, DateTimeOffset now) => duration is null ? null : (now + duration.Value).ToUnixTimeMilliseconds();

    /// <summary>A key with all its values.</summary>
    public static void Remove(PrincipalWriter writer, KeyChain key)
    {
        foreach (KeyRow value in key.Values)
        {
            RemoveValue(writer, key, value, "key.delete");
        }
    }

    /// <summary>The rules are the current value's alone; a block is kept at each, so that no one of them has to be there for it.</summary>
    private static KeyChain Put(PrincipalWriter writer, KeyChain key, KeyRow changed, bool setsBlocked)
    {
        writer.Put(changed);
        if (!setsBlocked)
        {
            return key with { Current = changed };
        }

        KeyRow[] older = [.. key.Older.Select(value => value with { Blocked = changed.Blocked, UpdatedAtMs = writer.NowMs, UpdatedBy = writer.Actor })];
        foreach (KeyRow value in older)
        {
            writer.Put(value);
        }

        return new KeyChain(changed, older);
    }

    private static void RemoveValue(PrincipalWriter writer, KeyChain key, KeyRow row, string action)
    {
        JsonObject shown = RowJson.OfKey(key, writer.Connection, writer.NowMs);
        (shown["token"], shown["token_id"], shown["key_name"]) = (row.Hash, row.Hash, row.Name);
        string json = shown.ToJsonString();
        writer.KeepDeletedKey(row.Hash, json);
        writer.DeleteKey(row.Hash);
        writer.Audit(action, "key", row.Hash, json, null);
    }

    private JsonObject Done(PrincipalWriter writer, string action, KeyChain key, JsonObject? before)
    {
        JsonObject after = RowJson.OfKey(key, writer.Connection, writer.NowMs);
        writer.Audit(action, "key", key.Current.Hash, before?.ToJsonString(), after.ToJsonString());
        writer.Commit();
        context.PrincipalsChanged();
        return after;
    }

    private PrincipalWriter Write(string actor) => new(context.LedgerPath, context.BusyTimeout, actor, context.NowMs);

    private SqliteConnection Read() => LedgerDatabase.OpenReader(context.LedgerPath);
}
