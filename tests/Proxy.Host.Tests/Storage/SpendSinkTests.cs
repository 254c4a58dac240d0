using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Forwarding;
using Proxy.Core.Outcomes;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Storage;

public sealed class SpendSinkTests : IDisposable
{
    private const int LedgerAway = 110;
    private const int LedgerBack = 111;
    private const int LedgerAbandoned = 112;

    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingLogger _log = new();
    private readonly GatewayHealth _health = new();
    private SpendJournal? _journal;

    public SpendSinkTests() => LedgerDatabase.OpenOrCreate(_directory.Ledger, TimeSpan.FromSeconds(1)).Dispose();

    public void Dispose()
    {
        _journal?.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Completed_records_are_in_the_ledger_after_a_flush()
    {
        await using SqliteSpendSink sink = Sink();
        Book(sink, 1, 1000);
        await sink.FlushAsync();

        IReadOnlyList<SpendRow> rows = Reader.ReadAll();
        Assert.Equal(Enumerable.Range(1, 1000).Select(Records.Id), rows.Select(row => row.Id));
        Assert.True(_health.LedgerConnected);
        Assert.Equal(0, sink.InFlight);
    }

    [Fact]
    public async Task The_gather_delay_alone_brings_a_single_record_to_the_ledger()
    {
        await using SqliteSpendSink sink = Sink();
        Book(sink, 1, 1);
        Assert.Equal(0, Reader.Count());
        _time.Advance(TimeSpan.FromMilliseconds(50));
        while (sink.InFlight > 0)
        {
            await Task.Yield();
        }

        Assert.Equal(1, Reader.Count());
    }

    [Fact]
    public async Task Claims_are_refused_when_all_records_are_out_and_granted_again_after_the_commit()
    {
        await using SqliteSpendSink sink = Sink(maxInFlight: 2);
        Assert.True(sink.TryClaim(out SpendRecord? first));
        Assert.True(sink.TryClaim(out SpendRecord? second));
        Assert.False(sink.TryClaim(out _));

        Records.FillSimple(first, 1);
        sink.Complete(first);
        await sink.FlushAsync();

        Assert.True(sink.TryClaim(out SpendRecord? third));
        Assert.Same(first, third);
        Assert.Equal(default, third.Id);
        Assert.NotSame(second, third);
    }

    [Fact]
    public async Task A_locked_ledger_loses_nothing()
    {
        await using SqliteSpendSink sink = Sink();
        using SqliteConnection other = Lock();
        Book(sink, 1, 3);
        Task flush = sink.FlushAsync();
        await _log.WhenLogged(LedgerAway);
        Assert.False(_health.LedgerConnected);
        Book(sink, 4, 300);
        Assert.False(flush.IsCompleted);

        other.Execute("ROLLBACK");
        await sink.FlushAsync();
        await flush;

        Assert.Equal(303, Reader.Count());
        Assert.True(_health.LedgerConnected);
        Assert.Single(_log.Texts(LedgerAway));
        Assert.Single(_log.Texts(LedgerBack));
    }

    [Fact]
    public async Task A_locked_ledger_is_tried_again_by_itself()
    {
        await using SqliteSpendSink sink = Sink();
        using SqliteConnection other = Lock();
        Book(sink, 1, 3);
        Task flush = sink.FlushAsync();
        await _log.WhenLogged(LedgerAway);
        other.Execute("ROLLBACK");
        while (!flush.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await flush;
        Assert.Equal(3, Reader.Count());
    }

    [Fact]
    public async Task A_full_pool_behind_a_locked_ledger_refuses_and_then_drains()
    {
        await using SqliteSpendSink sink = Sink(maxInFlight: 10);
        using SqliteConnection other = Lock();
        Book(sink, 1, 10);
        Task flush = sink.FlushAsync();
        await _log.WhenLogged(LedgerAway);
        Assert.False(sink.TryClaim(out _));

        other.Execute("ROLLBACK");
        await sink.FlushAsync();
        await flush;
        Assert.True(sink.TryClaim(out _));
        Assert.Equal(10, Reader.Count());
    }

    [Fact]
    public async Task A_ledger_file_that_goes_away_is_written_again_when_it_is_back()
    {
        await using SqliteSpendSink sink = Sink();
        string moved = _directory.File("moved.db");
        File.Move(_directory.Ledger, moved);
        Book(sink, 1, 2);
        Task flush = sink.FlushAsync();
        await _log.WhenLogged(LedgerAway);

        File.Move(moved, _directory.Ledger);
        await sink.FlushAsync();
        await flush;
        Assert.Equal(2, Reader.Count());
    }

    [Fact]
    public async Task A_read_only_ledger_is_retried()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess || OperatingSystem.IsWindows(), "modes do not bind this user");
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using SqliteSpendSink sink = Sink();
        File.SetUnixFileMode(_directory.Root, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.SetUnixFileMode(_directory.Ledger, UnixFileMode.UserRead);
        Book(sink, 1, 2);
        Task flush = sink.FlushAsync();
        await _log.WhenLogged(LedgerAway);

        File.SetUnixFileMode(_directory.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.SetUnixFileMode(_directory.Ledger, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await sink.FlushAsync();
        await flush;
        Assert.Equal(2, Reader.Count());
    }

    [Fact]
    public async Task Stopping_writes_what_is_left()
    {
        SqliteSpendSink sink = Sink();
        Book(sink, 1, 700);
        await sink.DisposeAsync();
        Assert.Equal(700, Reader.Count());
    }

    [Fact]
    public async Task What_the_ledger_would_not_take_before_a_stop_is_booked_by_the_next_start()
    {
        SqliteSpendSink sink = Sink();
        using (SqliteConnection other = Lock())
        {
            Book(sink, 1, 5);
            Assert.True(sink.TryClaim(out SpendRecord? unfinished));
            Records.FillSimple(unfinished, 6);
            unfinished.Checkpoint();
            Task stop = sink.DisposeAsync().AsTask();
            await _log.WhenLogged(LedgerAway);
            _time.Advance(TimeSpan.FromSeconds(10));
            await stop;
            _journal!.Dispose();
        }

        await using SqliteSpendSink next = Sink();
        Book(next, 7, 1);
        await next.FlushAsync();
        IReadOnlyList<SpendRow> rows = Reader.ReadAll();
        Assert.Equal(Enumerable.Range(1, 7).Select(Records.Id), rows.Select(row => row.Id));
        Assert.Equal([6], rows.Where(row => row.EndReason == EndReason.Interrupted).Select(row => (int)row.Usage.InputTokens));
        Assert.Equal(0, next.InFlight);
    }

    [Fact]
    public async Task What_was_committed_but_not_freed_is_not_booked_twice()
    {
        SqliteSpendSink sink = Sink();
        Book(sink, 1, 3);
        string copy = _directory.File("journal-before");
        Directory.CreateDirectory(copy);
        foreach (string segment in Directory.EnumerateFiles(_directory.File("journal"), "*.seg"))
        {
            File.Copy(segment, Path.Combine(copy, Path.GetFileName(segment)));
        }

        await sink.FlushAsync();
        await sink.DisposeAsync();
        _journal!.Dispose();
        foreach (string segment in Directory.EnumerateFiles(copy))
        {
            File.Copy(segment, Path.Combine(_directory.File("journal"), Path.GetFileName(segment)), overwrite: true);
        }

        await using SqliteSpendSink next = Sink();
        await next.FlushAsync();
        Assert.Equal(3, Reader.Count());
        Assert.Equal(0, next.InFlight);
    }

    [Fact]
    public async Task A_ledger_that_is_deleted_under_the_writer_loses_nothing_once_it_is_back()
    {
        await using SqliteSpendSink sink = Sink();
        Book(sink, 1, 2);
        await sink.FlushAsync();
        foreach (string suffix in new[] { "", "-wal", "-shm" })
        {
            File.Delete(_directory.Ledger + suffix);
        }

        Book(sink, 3, 2);
        Task flush = sink.FlushAsync();
        await _log.WhenLogged(LedgerAway);
        Assert.False(_health.LedgerConnected);
        Assert.False(flush.IsCompleted);

        LedgerDatabase.OpenOrCreate(_directory.Ledger, TimeSpan.FromSeconds(1)).Dispose();
        await sink.FlushAsync();
        await flush;
        Assert.Equal([Records.Id(3), Records.Id(4)], Reader.ReadAll().Select(row => row.Id));
    }

    [Fact]
    public async Task A_ledger_that_changes_is_not_taken_for_another_file()
    {
        await using SqliteSpendSink sink = Sink();
        Book(sink, 1, 2);
        await sink.FlushAsync();
        using (SqliteConnection other = LedgerDatabase.OpenWriter(_directory.Ledger, TimeSpan.FromSeconds(5)))
        {
            other.Execute("PRAGMA wal_checkpoint(TRUNCATE);");
        }

        File.SetLastWriteTimeUtc(_directory.Ledger, DateTime.UtcNow.AddDays(1));
        Book(sink, 3, 2);
        await sink.FlushAsync();
        Assert.Empty(_log.Texts(LedgerAway));
        Assert.Equal(4, Reader.Count());
    }

    [Fact]
    public async Task A_ledger_that_another_file_took_the_place_of_is_noticed()
    {
        await using SqliteSpendSink sink = Sink();
        Book(sink, 1, 2);
        await sink.FlushAsync();
        string other = _directory.File("other.db");
        LedgerDatabase.OpenOrCreate(other, TimeSpan.FromSeconds(1)).Dispose();
        File.Delete(_directory.Ledger + "-wal");
        File.Delete(_directory.Ledger + "-shm");
        File.Move(other, _directory.Ledger, overwrite: true);
        Book(sink, 3, 2);
        Task flush = sink.FlushAsync();
        await _log.WhenLogged(LedgerAway);
        await sink.FlushAsync();
        await flush;
        Assert.Equal([Records.Id(3), Records.Id(4)], Reader.ReadAll().Select(row => row.Id));
    }

    [Fact]
    public async Task Stopping_gives_up_at_its_deadline_and_says_how_many_are_left()
    {
        SqliteSpendSink sink = Sink();
        using SqliteConnection other = Lock();
        Book(sink, 1, 5);
        Task stop = sink.DisposeAsync().AsTask();
        await _log.WhenLogged(LedgerAway);
        Assert.False(stop.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(10));
        await stop;
        Assert.Contains("5 records", Assert.Single(_log.Texts(LedgerAbandoned)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_threads_lose_and_double_nothing()
    {
        await using SqliteSpendSink sink = Sink(maxInFlight: 64);
        const int Threads = 4;
        const int Each = 2000;
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            for (int i = 0; i < Each; i++)
            {
                SpendRecord? record;
                while (!sink.TryClaim(out record))
                {
                    await sink.FlushAsync();
                }

                Records.FillSimple(record, (thread * Each) + i);
                sink.Complete(record);
            }
        })));
        await sink.FlushAsync();

        IReadOnlyList<SpendRow> rows = Reader.ReadAll();
        Assert.Equal(Threads * Each, rows.Count);
        Assert.All(rows, row => Assert.Equal(Records.Id((int)row.Usage.InputTokens), row.Id));
    }

    private LedgerReader Reader => new(_directory.Ledger);

    private SqliteSpendSink Sink(int maxInFlight = 4096)
    {
        _journal = SpendJournal.Open(_directory.File("journal"), new SpendJournalOptions { MaxSlots = maxInFlight, SlotsPerSegment = Math.Min(maxInFlight, 1024) }, _time, _log);
        return new SqliteSpendSink(
            _journal,
            _directory.Ledger,
            new LedgerOptions { MaxInFlight = maxInFlight, BatchSize = Math.Min(maxInFlight, 512), BusyTimeout = TimeSpan.Zero },
            () => PriceBook.BuiltIn,
            _health,
            _time,
            _log);
    }

    private static void Book(SqliteSpendSink sink, int first, int count)
    {
        for (int i = first; i < first + count; i++)
        {
            Assert.True(sink.TryClaim(out SpendRecord? record));
            Records.FillSimple(record, i);
            sink.Complete(record);
        }
    }

    private SqliteConnection Lock()
    {
        SqliteConnection other = LedgerDatabase.OpenWriter(_directory.Ledger, TimeSpan.FromSeconds(1));
        other.Execute("BEGIN EXCLUSIVE");
        return other;
    }
}
