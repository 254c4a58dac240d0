using System.Text.Json;
using Proxy.Core.Admission;
using Proxy.Host.Storage;

namespace Proxy.Host.Tests.Storage;

/// <summary>What open batches reserve is there again after a restart.</summary>
public sealed class BatchReservationFileTests : IDisposable
{
    private const long Usd = 1_000_000_000;

    private readonly TempDirectory _directory = new();

    private string FilePath => _directory.Ledger + ".batches";

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_restart_finds_what_was_reserved_and_reserves_it_again()
    {
        BatchReservations batches = Two();
        BatchReservationFile file = new(FilePath);
        Assert.Empty(file.Read());
        file.Write(batches);

        AdmissionScope team = Scope(ScopeKind.Team, "t/ü");
        BatchReservations restarted = new();
        restarted.Restore(new BatchReservationFile(FilePath).Read(), name => name == new ScopeName(ScopeKind.Team, "t/ü") ? team : null);
        Assert.Equal(5 * Usd, Reserved(team));
        Assert.Equal(["msgbatch_a", "msgbatch_b"], restarted.Read().Select(one => one.BatchId).Order(StringComparer.Ordinal));
        restarted.Release("msgbatch_b");
        Assert.Equal(3 * Usd, Reserved(team));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        }
    }

    [Fact]
    public void It_is_written_only_when_something_has_changed()
    {
        BatchReservations batches = Two();
        BatchReservationFile file = new(FilePath);
        file.Write(batches);
        File.Delete(FilePath);
        file.Write(batches);
        Assert.False(File.Exists(FilePath));
        batches.Release("msgbatch_a");
        file.Write(batches);
        Assert.Equal("msgbatch_b", Assert.Single(file.Read()).BatchId);
    }

    [Fact]
    public void A_damaged_file_is_told_and_not_taken_for_an_empty_one()
    {
        File.WriteAllText(FilePath, "[{\"batch_id\":");
        Assert.Throws<JsonException>(() => new BatchReservationFile(FilePath).Read());
    }

    private static BatchReservations Two()
    {
        BatchReservations batches = new();
        AdmissionScope[] scopes = [Scope(ScopeKind.Key, "k"), Scope(ScopeKind.Team, "t/ü")];
        foreach ((string id, long nano) in new[] { ("msgbatch_a", 3 * Usd), ("msgbatch_b", 2 * Usd) })
        {
            AdmissionRequest request = new(1_795_000_000_000, nano, IsCompanyPaid: true) { MustFit = true };
            Assert.True(AdmissionGate.TryAdmit(scopes, request, out AdmissionTicket ticket, out _));
            batches.Keep(id, ref ticket, 1_795_000_000_000);
        }

        return batches;
    }

    private static AdmissionScope Scope(ScopeKind kind, string id) =>
        new(kind, id) { Limits = new ScopeLimits { Budgets = [new Budget(BudgetPeriod.Forever, 10 * Usd)] } };

    private static long Reserved(AdmissionScope scope)
    {
        List<BudgetState> states = [];
        scope.ReadBudgets(1_795_000_000_000, states);
        return states[0].ReservedNanoUsd;
    }
}
