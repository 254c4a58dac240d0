using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using Proxy.Core.Forwarding;
using Proxy.Core.Metering;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>
/// Takes finished records to the ledger on a thread of its own: priced, then inserted in batches, given back only after their commit.
/// SQLite's calls block, and so never run on a thread that serves requests. While the ledger is away records are kept and retried; when
/// all records are out <see cref="TryClaim"/> says so, and the gateway refuses rather than forgets.
/// </summary>
internal sealed class SqliteSpendSink : ISpendSink, IAsyncDisposable
{
    private readonly LedgerOptions _options;
    private readonly GatewayHealth _health;
    private readonly ILogger _logger;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly RecordPool _pool;
    private readonly RecordQueue _queue;
    private readonly RecordPricer _pricer;
    private readonly List<SpendRecord> _batch;
    private readonly Lock _flushLock = new();
    private readonly List<(long Target, TaskCompletionSource Done)> _flushes = [];
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Written by the writer's thread only.
    private SpendInsert? _insert;
    private long _committed;
    private TimeSpan _retry;
    private bool _failing;

    private volatile bool _stopping;
    private volatile bool _abandon;

    /// <param name="prices">Asked for each batch, so that a reload prices what comes after it.</param>
    public SqliteSpendSink(string path, LedgerOptions options, Func<PriceBook> prices, GatewayHealth health, TimeProvider time, ILogger logger)
    {
        _path = path;
        _options = options;
        _health = health;
        _time = time;
        _logger = logger;
        _pool = new RecordPool(options.MaxInFlight);
        _queue = new RecordQueue(options.MaxInFlight, options.BatchSize, options.GatherDelay, time);
        _pricer = new RecordPricer(prices, logger);
        _batch = new List<SpendRecord>(options.BatchSize);
        _retry = options.FirstRetry;
        _health.LedgerConnected = true;
        new Thread(Run) { IsBackground = true, Name = "ledger" }.Start();
    }

    /// <summary>Records with an exchange or not yet committed; for metrics.</summary>
    public int InFlight => _pool.InUse;

    public bool TryClaim([NotNullWhen(true)] out SpendRecord? record) => _pool.TryTake(out record);

    public void Complete(SpendRecord record) => _queue.Add(record);

    /// <summary>Completes when every record completed before this call is committed; tries at once, even between retries.</summary>
    public Task FlushAsync()
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_flushLock)
        {
            _flushes.Add((_queue.ReadAdded(), done));
        }

        _queue.Wake();
        return done.Task;
    }

    /// <summary>Writes what is left, for as long as <see cref="LedgerOptions.StopDeadline"/> allows.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping)
        {
            await _stopped.Task;
            return;
        }

        _stopping = true;
        _queue.Wake();
        await using (_time.CreateTimer(static state => ((SqliteSpendSink)state!).Abandon(), this, _options.StopDeadline, Timeout.InfiniteTimeSpan))
        {
            await _stopped.Task;
        }

        _queue.Dispose();
    }

    private void Abandon()
    {
        _abandon = true;
        _queue.Wake();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                bool written = DrainAll();
                CompleteFlushes();
                if (_abandon || (_stopping && written && _batch.Count == 0 && _queue.ReadAdded() == _committed))
                {
                    break;
                }

                _queue.Wait();
            }

            long lost = _queue.ReadAdded() - _committed;
            if (lost > 0)
            {
                HostLog.LedgerAbandoned(_logger, lost);
            }
        }
        finally
        {
            _insert?.Dispose();
            FailFlushes();
            _stopped.SetResult();
        }
    }

    /// <summary>Writes batch after batch until none is left, or one fails and is kept.</summary>
    private bool DrainAll()
    {
        while (true)
        {
            int kept = _batch.Count;
            _queue.TakeBatch(_batch);
            for (int i = kept; i < _batch.Count; i++)
            {
                _pricer.Price(_batch[i]);
            }

            if (_batch.Count == 0)
            {
                return true;
            }

            if (!TryWrite())
            {
                return false;
            }

            _committed += _batch.Count;
            for (int i = 0; i < _batch.Count; i++)
            {
                _pool.Return(_batch[i]);
            }

            _batch.Clear();
        }
    }

    private bool TryWrite()
    {
        try
        {
            _insert ??= new SpendInsert(LedgerDatabase.OpenWriter(_path, _options.BusyTimeout));
            _insert.Write(_batch);
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

            _queue.Hold(_retry);
            _retry = _retry * 2 < _options.LastRetry ? _retry * 2 : _options.LastRetry;
            return false;
        }

        if (_failing)
        {
            _failing = false;
            _retry = _options.FirstRetry;
            _queue.Release();
            HostLog.LedgerBack(_logger);
        }

        _health.LedgerConnected = true;
        return true;
    }

    private void CloseConnection()
    {
        try
        {
            _insert?.Dispose();
        }
        catch (SqliteException)
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
