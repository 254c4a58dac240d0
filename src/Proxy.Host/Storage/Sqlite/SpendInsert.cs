using Microsoft.Data.Sqlite;
using Proxy.Core.Spend;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>Writes batches of records in one transaction each. Owned by the writer's thread; made anew with each connection.</summary>
internal sealed class SpendInsert : IDisposable
{
    /// <summary>Of <c>spend_iterations</c>.</summary>
    internal static readonly string IterationColumns = $"spend_id, position, kind, model, {SpendColumns.UsageNames}";

    private readonly SqliteConnection _connection;
    private readonly SpendStatement _spend;
    private readonly SpendStatement _iteration;
    private readonly SpendStatement _begin;
    private readonly SpendStatement _commit;
    private readonly SpendStatement _rollback;
    private readonly RollupInsert _rollups;
    private readonly BatchOwners _batches;

    public SpendInsert(SqliteConnection connection)
    {
        _connection = connection;
        SQLitePCL.sqlite3 handle = connection.Handle!;
        _spend = new SpendStatement(handle, Insertion("spend", SpendColumns.Names));
        _iteration = new SpendStatement(handle, Insertion("spend_iterations", IterationColumns));
        _begin = new SpendStatement(handle, "BEGIN IMMEDIATE");
        _commit = new SpendStatement(handle, "COMMIT");
        _rollback = new SpendStatement(handle, "ROLLBACK");
        _rollups = new RollupInsert(handle);
        _batches = new BatchOwners(connection);
    }

    /// <summary>Whether the ledger's file was deleted or replaced since it was opened.</summary>
    public bool HasMoved => LedgerFile.HasMoved(_connection.Handle!);

    /// <summary>All or none, and with them the totals they change. A record that the ledger has already changes nothing.</summary>
    /// <param name="booked">Gets the records that were new, and the key that each was booked to.</param>
    /// <exception cref="SqliteException"/>
    public void Write(IReadOnlyList<SpendRecord> records, List<BookedRecord> booked)
    {
        _begin.Execute();
        try
        {
            for (int i = 0; i < records.Count; i++)
            {
                Add(records[i], booked);
            }

            _rollups.Write();
            _commit.Execute();
        }
        catch
        {
            booked.Clear();
            _rollups.Clear();
            // Some errors (disk full) have rolled back already; then there is nothing to roll back.
            if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
            {
                _rollback.Execute();
            }

            throw;
        }
    }

    public void Dispose()
    {
        _spend.Dispose();
        _iteration.Dispose();
        _begin.Dispose();
        _commit.Dispose();
        _rollback.Dispose();
        _rollups.Dispose();
        _batches.Dispose();
        _connection.Dispose();
    }

    /// <summary>OR IGNORE: a batch whose commit was reported failed but happened is written again without harm.</summary>
    private static string Insertion(string table, string columns) =>
        $"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({string.Join(", ", columns.Split(',').Select(static _ => "?"))})";

    private void Add(SpendRecord record, List<BookedRecord> booked)
    {
        if (!record.BatchId.IsEmpty && _batches.Find(record) is { } owner)
        {
            // A line of batch results is the maker's, whoever fetched it.
            record.Caller = owner.Key;
            record.Credential = owner.Credential;
        }

        if (Insert(record))
        {
            _batches.Note(record);
            _rollups.Add(record);
            booked.Add(new BookedRecord(record, record.Caller?.KeyHash, record.Credential));
        }
    }

    /// <returns>False when the ledger has it already.</returns>
    private bool Insert(SpendRecord record)
    {
        _spend.Begin();
        _spend.Record(record);
        _spend.Execute();
        bool isNew = _spend.Changes > 0;
        Span<byte> id = stackalloc byte[16];
        record.Id.TryWriteBytes(id, bigEndian: true, out _);
        for (int i = 0; isNew && i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            _iteration.Begin();
            _iteration.Blob(id);
            _iteration.Number(i);
            _iteration.Word(iteration.Kind);
            _iteration.Text(iteration.Model);
            _iteration.Usage(iteration.Usage);
            _iteration.Execute();
        }

        return isNew;
    }
}
