using System.Diagnostics.CodeAnalysis;
using Proxy.Core.Forwarding;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>
/// Moves finished records from the journal to the ledger on a thread of its own: priced, inserted in batches, their slots freed only after the
/// commit. SQLite's calls block, and so never run on a thread that serves requests. While the ledger is away records stay in the journal and
/// are retried; when that is full <see cref="TryClaim"/> says so, and the gateway refuses rather than forgets.
/// </summary>
internal sealed class SqliteSpendSink : ISpendSink, IAsyncDisposable
{
    private readonly LedgerOptions _options;
    private readonly GatewayHealth _health;
    private readonly ILogger _logger;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly SpendJournal _journal;
    private readonly WriterSignal _signal;
    private readonly RecordPricer _pricer;
    private readonly List<SpendRecord> _batch;
    private readonly List<BookedRecord> _booked = [];
    private readonly Action<IReadOnlyList<BookedRecord>>? _onBooked;
    private readonly Lock _flushLock = new();
    private readonly List<(long Target, TaskCompletionSource Done)> _flushes = [];
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Written by the writer's thread only.
    private readonly Queue<SpendRecord> _recovered;
    private SpendInsert? _insert;
    private long _committed;
    private TimeSpan _retry;
    private bool _failing;

    private volatile bool _stopping;
    private volatile bool _abandon;

    /// <param name="journal">Owned by the caller, and disposed of after the sink. What it recovered is written first.</param>
    /// <param name="prices">Asked for each batch, so that a reload prices what comes after it.</param>
    /// <param name="onBooked">Called on the writer's thread after each commit with the records that were new to the ledger.</param>
    public SqliteSpendSink(
        SpendJournal journal,
        string path,
        LedgerOptions options,
        Func<PriceBook> prices,
        GatewayHealth health,
        TimeProvider time,
        ILogger logger,
        Action<IReadOnlyList<BookedRecord>>? onBooked = null)
    {
        _journal = journal;
        _path = path;
        _options = options;
        _health = health;
        _time = time;
        _logger = logger;
        _onBooked = onBooked;
        _signal = new WriterSignal(options.BatchSize, options.GatherDelay, time);
        _pricer = new RecordPricer(prices, logger);
        _batch = new List<SpendRecord>(options.BatchSize);
        _recovered = new Queue<SpendRecord>(journal.Recovered);
        _committed = -_recovered.Count;
        _retry = options.FirstRetry;
        _health.LedgerConnected = true;
        if (_recovered.Count > 0)
        {
            HostLog.JournalRecovered(logger, _recovered.Count);
            _signal.Wake();
        }

        new Thread(Run) { IsBackground = true, Name = "ledger" }.Start();
    }

    /// <summary>Records with an exchange or not yet committed; for metrics.</summary>
    public int InFlight => _journal.InUse;

    public bool TryClaim([NotNullWhen(true)] out SpendRecord? record) => _journal.TryClaim(out record);

    public void Complete(SpendRecord record)
    {
        _journal.Complete(record);
        _signal.RecordAdded();
    }

    /// <summary>Completes when every record completed before this call is committed; tries at once, even between retries.</summary>
    public Task FlushAsync()
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_flushLock)
        {
            _flushes.Add((_journal.CompletedCount, done));
        }

        _signal.Wake();
        return done.Task;
    }

    /// <summary>Writes what is left, for as long as <see cref="LedgerOptions.StopDeadline"/> allows; what is left then stays in the journal for the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping)
        {
            await _stopped.Task;
            return;
        }

        _stopping = true;
        _signal.Wake();
        await using (_time.CreateTimer(static state => ((SqliteSpendSink)state!).Abandon(), this, _options.StopDeadline, Timeout.InfiniteTimeSpan))
        {
            await _stopped.Task;
        }

        _signal.Dispose();
    }

    private void Abandon()
    {
        _abandon = true;
        _signal.Wake();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                bool written = DrainAll();
                CompleteFlushes();
                if (_abandon || (_stopping && written && _journal.CompletedCount == _committed))
                {
                    break;
                }

                _signal.Wait();
            }

            long left = _journal.CompletedCount - _committed;
            if (left > 0)
            {
                HostLog.LedgerAbandoned(_logger, left);
            }
        }
        finally
        {
            CloseConnection();
            FailFlushes();
            _stopped.SetResult();
        }
    }

    /// <summary>Writes batch after batch until none is left, or one fails and is kept.</summary>
    private bool DrainAll()
    {
        while (true)
        {
            TakeBatch();
            if (_batch.Count == 0)
            {
                return true;
            }

            if (!TryWrite())
            {
                return false;
            }

            Report();
            _committed += _batch.Count;
            foreach (SpendRecord record in _batch)
            {
                _journal.Free(record);
            }

            _batch.Clear();
        }
    }

    private void TakeBatch()
    {
        int kept = _batch.Count;
        _signal.Take();
        while (_batch.Count < _options.BatchSize && _recovered.TryDequeue(out SpendRecord? record))
        {
            _batch.Add(record);
        }

        if (_batch.Count < _options.BatchSize)
        {
            _journal.TakeCompleted(_batch, _options.BatchSize - _batch.Count);
        }

        for (int i = kept; i < _batch.Count; i++)
        {
            _pricer.Price(_batch[i]);
        }
    }

    private bool TryWrite()
    {
        try
        {
            OpenWhereItIs();
            _booked.Clear();
            _insert!.Write(_batch, _booked);

            // Moved away in the meantime: what was just committed may be in a file that nobody will ever see again.
            CheckFile();
        }
        catch (Exception fault)
        {
            // Whatever it was (locked, read-only, disk full, file gone), the batch is kept and the connection made anew.
            CloseConnection();
            _health.LedgerConnected = false;
            if (!_failing)
            {
                _failing = true;
                HostLog.LedgerAway(_logger, fault.Message);
            }

            _signal.Hold(_retry);
            _retry = _retry * 2 < _options.LastRetry ? _retry * 2 : _options.LastRetry;
            return false;
        }

        if (_failing)
        {
            _failing = false;
            _retry = _options.FirstRetry;
            _signal.Release();
            HostLog.LedgerBack(_logger);
        }

        _health.LedgerConnected = true;
        return true;
    }

    private void OpenWhereItIs()
    {
        if (_insert is not null)
        {
            CheckFile();
            return;
        }

        _insert = new SpendInsert(LedgerDatabase.OpenWriter(_path, _options.BusyTimeout));
    }

    private void CheckFile()
    {
        if (_insert!.HasMoved)
        {
            throw new LedgerException($"the ledger {_path} was deleted or replaced while it was open");
        }
    }

    private void Report()
    {
        try
        {
            _onBooked?.Invoke(_booked);
        }
        catch (Exception fault)
        {
            // What is in the ledger is safe; its thread must go on.
            HostLog.HousekeepingBroken(_logger, fault);
        }
    }

    private void CloseConnection()
    {
        try
        {
            _insert?.Dispose();
        }
        catch (Microsoft.Data.Sqlite.SqliteException)
        {
            // Closing a broken connection may report why it is broken once more.
        }

        _insert = null;
    }

    private void CompleteFlushes()
    {
        lock (_flushLock)
        {
            for (int i = _flushes.Count - 1; i >= 0; i--)
            {
                if (_flushes[i].Target <= _committed)
                {
                    _flushes[i].Done.SetResult();
                    _flushes.RemoveAt(i);
                }
            }
        }
    }

    private void FailFlushes()
    {
        lock (_flushLock)
        {
            foreach ((_, TaskCompletionSource done) in _flushes)
            {
                done.TrySetException(new LedgerException("the ledger was stopped before these records were written"));
            }

            _flushes.Clear();
        }
    }
}
