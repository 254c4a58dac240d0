using Microsoft.Data.Sqlite;
using Npgsql;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;
using Proxy.Host.Tests.Cli;

namespace Proxy.Host.Tests.Import;

/// <summary>Moving over from LiteLLM, from a CSV export and from a real PostgreSQL database.</summary>
public sealed class LiteLlmImportTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task An_export_brings_over_keys_teams_budgets_and_spend()
    {
        string export = WriteExport();
        (int code, string output, _) = await _cli.RunAsync("import", "litellm", export);
        Assert.Equal(1, code);
        Assert.Contains("skip LiteLLM_VerificationToken row 4: rpm_limit is no number", output, StringComparison.Ordinal);
        Assert.Contains("note key bob: model aliases are not applied", output, StringComparison.Ordinal);
        Assert.Contains("5 added, 0 updated, 0 unchanged, 0 kept as edited here, 1 not importable", output, StringComparison.Ordinal);
        await AssertImportedAsync();
        Assert.Contains("odd \"name\", quoted", await _cli.DoAsync("keys", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_run_changes_nothing_and_a_third_takes_over_what_changed_there()
    {
        string export = WriteExport();
        await _cli.RunAsync("import", "litellm", export);
        (_, string again, _) = await _cli.RunAsync("import", "litellm", export);
        Assert.Contains("0 added, 0 updated, 5 unchanged", again, StringComparison.Ordinal);

        string file = Path.Combine(export, "LiteLLM_VerificationToken.csv");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace(",200000,60,", ",200000,61,", StringComparison.Ordinal));
        (_, string third, _) = await _cli.RunAsync("import", "litellm", export);
        Assert.Contains("update key alice", third, StringComparison.Ordinal);
        Assert.Contains("61", await _cli.DoAsync("keys", "show", "alice"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_edited_here_since_is_left_alone()
    {
        string export = WriteExport();
        await _cli.RunAsync("import", "litellm", export);
        await _cli.DoAsync("keys", "update", "alice", "--rpm", "99");
        (_, string again, _) = await _cli.RunAsync("import", "litellm", export);
        Assert.Contains("keep key alice", again, StringComparison.Ordinal);
        Assert.Contains("99", await _cli.DoAsync("keys", "show", "alice"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--dry-run", 1)]
    [InlineData("--strict", 1)]
    public async Task A_dry_run_and_a_strict_one_with_a_broken_row_change_nothing(string option, int code)
    {
        (int actual, string output, string errors) = await _cli.RunAsync("import", "litellm", WriteExport(), option);
        Assert.Equal(code, actual);
        Assert.Contains(option == "--strict" ? "nothing was changed" : "dry run, nothing changed", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain("alice", await _cli.DoAsync("keys", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_is_none_is_told()
    {
        Assert.Equal(1, (await _cli.RunAsync("import", "litellm", "/nowhere")).Code);
        Assert.Equal(1, (await _cli.RunAsync("import", "litellm", _cli.Root)).Code);
        Assert.Equal(2, (await _cli.RunAsync("import")).Code);
        (int code, _, string errors) = await _cli.RunAsync("import", "litellm", "postgres://litellm:secret-password@127.0.0.1:1/none");
        Assert.Equal(1, code);
        Assert.DoesNotContain("secret-password", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_in_clear_in_their_database_is_none_in_ours()
    {
        (_, string output, string errors) = await _cli.RunAsync("import", "litellm", WriteExport());
        Assert.DoesNotContain(LiteLlmExport.ClearKey, output + errors + await _cli.DoAsync("keys", "list", "--json"), StringComparison.Ordinal);
        Assert.Contains(KeyHash.Of(LiteLlmExport.ClearKey), await _cli.DoAsync("keys", "list", "--json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_real_database_brings_over_the_same()
    {
        string? programs = PostgresServer.FindPrograms();
        Assert.SkipWhen(programs is null, "this machine has no PostgreSQL");
        using PostgresServer server = await PostgresServer.StartAsync(programs!);
        await using (NpgsqlConnection connection = new($"Host=127.0.0.1;Port={server.Port};Username=litellm;Password=secret-password;Database=postgres;Pooling=false"))
        {
            await connection.OpenAsync();
            await using NpgsqlCommand command = new(LiteLlmExport.Sql, connection);
            await command.ExecuteNonQueryAsync();
        }

        string first = await _cli.DoAsync("import", "litellm", server.Url);
        Assert.Contains("5 added, 0 updated, 0 unchanged, 0 kept as edited here, 0 not importable", first, StringComparison.Ordinal);
        await AssertImportedAsync();
        Assert.Contains("0 added, 0 updated, 5 unchanged", await _cli.DoAsync("import", "litellm", server.Url), StringComparison.Ordinal);
        (int code, _, string errors) = await _cli.RunAsync("import", "litellm", server.Url.Replace("secret-password", "wrong-password", StringComparison.Ordinal));
        Assert.Equal(1, code);
        Assert.DoesNotContain("wrong-password", errors, StringComparison.Ordinal);
    }

    private async Task AssertImportedAsync()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(Path.Combine(_cli.Root, "ledger.db"));
        Principals all = PrincipalReader.ReadAll(connection);
        KeyRow alice = Assert.Single(all.Keys, key => key.Alias == "alice");
        Assert.Equal((LiteLlmExport.AliceHash, LiteLlmExport.AliceHash, "sk-...AAAA", "t1", "u1", false), (alice.Hash, alice.ScopeId, alice.Name, alice.TeamId, alice.UserId, alice.Blocked));
        PrincipalSettings settings = PrincipalSettings.Parse(alice.Settings);
        Assert.Equal(["claude-sonnet-5", "claude-haiku-*"], settings.Models!);
        Assert.Equal((50m, "30d", 200000L, 60L, 4), (settings.MaxBudget, settings.BudgetDuration, settings.TpmLimit, settings.RpmLimit, settings.MaxParallelRequests));
        Assert.Equal((10m, "1d"), (settings.ModelMaxBudget!["claude-opus-5"].BudgetLimit, settings.ModelMaxBudget["claude-opus-5"].TimePeriod));
        Assert.Equal(3, settings.ModelRpmLimit!["claude-opus-5"]);
        KeyRow bob = Assert.Single(all.Keys, key => key.Alias == "bob");
        Assert.True(bob.Blocked);
        Assert.Equal(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(), bob.ExpiresAtMs);
        Assert.Equal((20m, 15m, 7L, "7d"), (PrincipalSettings.Parse(bob.Settings).MaxBudget, PrincipalSettings.Parse(bob.Settings).SoftBudget, PrincipalSettings.Parse(bob.Settings).RpmLimit, PrincipalSettings.Parse(bob.Settings).BudgetDuration));
        Assert.Equal(("t1", "core"), (all.Teams[0].TeamId, all.Teams[0].Alias));
        Assert.Equal(new MemberRow("t1", "u1", "admin", 9_000_000_000), Assert.Single(all.Members));
        Assert.Equal("12.50", (await _cli.DoAsync("keys", "list", "--alias", "alice")).Split(' ', StringSplitOptions.RemoveEmptyEntries).First(word => word.StartsWith("12.", StringComparison.Ordinal)));
        Assert.Contains("100", await _cli.DoAsync("teams", "list"), StringComparison.Ordinal);
    }

    private string WriteExport()
    {
        string directory = Directory.CreateDirectory(Path.Combine(_cli.Root, "export")).FullName;
        foreach ((string table, string csv) in LiteLlmExport.Tables)
        {
            File.WriteAllText(Path.Combine(directory, table + ".csv"), csv);
        }

        return directory;
    }
}
