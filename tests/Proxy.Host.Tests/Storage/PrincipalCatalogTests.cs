using System.Text;
using Microsoft.Data.Sqlite;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Spend;
using Proxy.Host.Composition;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Storage;

/// <summary>Counters come back from the ledger's totals as they were, and totals are those of the records.</summary>
public sealed class PrincipalCatalogTests : IDisposable
{
    private const long Hour = 3_600_000;
    private static readonly long Now = new DateTimeOffset(2026, 11, 25, 12, 30, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
    private static readonly string Hash = new('a', 64);

    private readonly TempDirectory _directory = new();
    private readonly PrincipalCatalog _catalog = new();
    private int _next;

    public PrincipalCatalogTests() => LedgerDatabase.OpenOrCreate(_directory.Ledger, TimeSpan.FromSeconds(1)).Dispose();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Each_window_counts_what_began_in_it()
    {
        Put("""{"max_budget":9,"budget_limits":[{"max_budget":9,"budget_duration":"1h"},{"max_budget":9,"budget_duration":"1d"},{"max_budget":9,"budget_duration":"7d"},{"max_budget":9,"budget_duration":"1mo"}]}""");
        Book(1, Now - (Hour / 4));
        Book(10, Now - (2 * Hour));
        Book(100, Now - (30 * Hour));
        Book(1000, Now - (5 * 24 * Hour));
        Book(10000, Now - (60 * 24 * Hour));
        Assert.Equal([1, 11, 111, 1111, 11111], Spent(Read()));
    }

    [Fact]
    public void A_budget_reserves_as_it_says_else_as_its_key_else_as_the_configuration()
    {
        _catalog.Reserve = ReserveMode.WorstCase;
        Put("""{"max_budget":9}""");
        Assert.Equal([ReserveMode.WorstCase], Modes(Read()));
        Put("""{"max_budget":9,"reserve":"learned","budget_limits":[{"max_budget":9,"budget_duration":"1d","reserve":"worstCase"}]}""");
        Assert.Equal([ReserveMode.WorstCase, ReserveMode.Learned], Modes(Read()));

        // Of two for one period the stricter, and what nobody can read is the stricter too.
        _catalog.Reserve = ReserveMode.Learned;
        Put("""{"max_budget":9,"reserve":"worstCase","budget_limits":[{"max_budget":3,"reserve":"learned"}]}""");
        Assert.Equal([ReserveMode.WorstCase], Modes(Read()));
        Put("""{"max_budget":9,"reserve":"some"}""");
        Assert.Equal([ReserveMode.WorstCase], Modes(Read()));
        Put("""{"model_max_budget":{"claude-opus-5":{"budget_limit":9,"time_period":"1d","reserve":"worstCase"},"b":{"budget_limit":9}}}""");
        Principal principal = Read();
        Assert.Equal([ReserveMode.WorstCase, ReserveMode.Learned], principal.ModelScopes.Select(scope => scope.Scope.Limits.Budgets[0].Reserve));
    }

    [Fact]
    public void What_clients_paid_counts_only_where_asked()
    {
        Put("""{"max_budget":9}""");
        Book(5, Now, CredentialKind.Byok);
        Assert.Equal([0], Spent(Read()));
        Put("""{"max_budget":9,"count_client_spend":true,"budget_duration":"1d"}""");
        Assert.Equal([5], Spent(Read()));
    }

    [Fact]
    public void A_plain_model_covers_its_dated_names_and_a_dated_one_itself()
    {
        Put("""{"model_max_budget":{"claude-opus-5":{"budget_limit":9,"time_period":"1d"},"claude-sonnet-5-20260101":{"budget_limit":9,"time_period":"1d"}}}""");
        Book(1, Now, model: "claude-opus-5");
        Book(2, Now, model: "claude-opus-5-20260101[1m]");
        Book(4, Now, model: "claude-opus-5-5");
        Book(8, Now, model: "claude-sonnet-5-20260101");
        Book(16, Now, model: "claude-sonnet-5");
        Principal principal = Read();
        Assert.Equal([3L, 8L], principal.ModelScopes.Select(scope => Spent(scope.Scope)[0]));
    }

    [Fact]
    public void Reading_again_counts_nothing_twice_and_a_new_budget_begins_with_the_past()
    {
        Put("""{"max_budget":9,"budget_duration":"1d"}""");
        Book(5, Now);
        AdmissionScope scope = Read().Scopes[0];
        Assert.Same(scope, Read().Scopes[0]);
        Assert.Equal([5], Spent(scope));
        Put("""{"max_budget":9,"budget_duration":"7d"}""");
        Assert.Equal([5], Spent(Read()));
        Put(null);
        Assert.Empty(Read().Scopes);
        Book(2, Now);
        Put("""{"max_budget":9,"budget_duration":"1d"}""");
        Assert.Equal([7], Spent(Read()));
    }

    [Fact]
    public void Settings_that_cannot_be_read_block_the_key_and_no_other()
    {
        Put("""{"max_budget":"much"}""");
        Assert.True(Read().IsBlocked);
    }

    [Fact]
    public void The_same_record_twice_is_added_up_once()
    {
        SpendRecord record = Record(5, Now, CredentialKind.Server, "m");
        using (SpendInsert insert = new(LedgerDatabase.OpenWriter(_directory.Ledger, TimeSpan.FromSeconds(1))))
        {
            List<BookedRecord> booked = [];
            insert.Write([record, record], booked);
            insert.Write([record], booked);
            Assert.Single(booked);
        }

        using SqliteConnection connection = LedgerDatabase.OpenReader(_directory.Ledger);
        Assert.Equal(5, connection.ReadLong("SELECT sum(company_nano_usd) FROM scope_total WHERE kind = 'key'"));
        Assert.Equal(1, connection.ReadLong("SELECT sum(requests) FROM spend_daily"));
    }

    [Fact]
    public void Totals_of_an_earlier_build_are_made_when_it_is_migrated()
    {
        Put("""{"max_budget":9,"budget_duration":"1d"}""");
        Book(5, Now);
        Book(7, Now - (24 * Hour), CredentialKind.OAuth);
        string before = Totals();
        using (SqliteConnection connection = LedgerDatabase.OpenWriter(_directory.Ledger, TimeSpan.FromSeconds(1)))
        {
            connection.Execute("DELETE FROM spend_daily; DELETE FROM scope_daily; DELETE FROM scope_total; PRAGMA user_version = 2");
        }

        LedgerDatabase.OpenOrCreate(_directory.Ledger, TimeSpan.FromSeconds(1)).Dispose();
        Assert.Equal(before, Totals());
    }

    private static List<long> Spent(Principal principal) => Spent(principal.Scopes[0]);

    private static List<long> Spent(AdmissionScope scope)
    {
        List<BudgetState> states = [];
        scope.ReadBudgets(Now, states);
        return [.. states.Select(state => state.SpentNanoUsd)];
    }

    private string Totals()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(_directory.Ledger);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText =
            "SELECT group_concat(line, char(10)) FROM (SELECT kind || id || day || '|' || company_nano_usd || '|' || client_nano_usd AS line FROM scope_daily "
            + "UNION ALL SELECT kind || id || '|' || company_nano_usd || '|' || client_nano_usd FROM scope_total "
            + "UNION ALL SELECT day || key_hash || model || credential || '|' || requests || '|' || failed_requests || '|' || cost_nano_usd FROM spend_daily ORDER BY 1)";
        return (string)command.ExecuteScalar()!;
    }

    private static IEnumerable<ReserveMode> Modes(Principal principal) => principal.Scopes[0].Limits.Budgets.Select(budget => budget.Reserve);

    private Principal Read()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(_directory.Ledger);
        return Assert.Single(_catalog.Read(connection, Now));
    }

    private void Put(string? settings)
    {
        using PrincipalWriter writer = new(_directory.Ledger, TimeSpan.FromSeconds(1), "test", Now);
        writer.Put(new KeyRow { Hash = Hash, ScopeId = Hash, CreatedAtMs = 1, Settings = settings });
        writer.Commit();
    }

    private void Book(long nano, long at, CredentialKind payer = CredentialKind.Server, string model = "claude-sonnet-5")
    {
        using SpendInsert insert = new(LedgerDatabase.OpenWriter(_directory.Ledger, TimeSpan.FromSeconds(1)));
        insert.Write([Record(nano, at, payer, model)], []);
    }

    private SpendRecord Record(long nano, long at, CredentialKind payer, string model)
    {
        SpendRecord record = new()
        {
            Id = new Guid(++_next, 0, 0, new byte[8]),
            StartedAtUnixMs = at,
            Caller = new KeyIdentity(Hash, teamId: "t", userId: "u"),
            PathClass = PathClass.Messages,
            Credential = payer,
            Status = 200,
            CostNanoUsd = nano,
        };
        record.ModelAsked.Set(Encoding.ASCII.GetBytes(model));
        return record;
    }
}
