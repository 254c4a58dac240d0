using Microsoft.Data.Sqlite;
using Proxy.Core.Identity;
using Proxy.Core.Spend;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>Writes batches of records in one transaction each. Owned by the writer's thread; made anew with each connection.</summary>
internal sealed class SpendInsert : IDisposable
{
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
        _spend = new SpendStatement(handle, SpendColumns.Insert("spend", SpendColumns.Spend, SpendColumns.SpendCount));
        _iteration = new SpendStatement(handle, SpendColumns.Insert("spend_iterations", SpendColumns.Iteration, SpendColumns.IterationCount));
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

    private void Add(SpendRecord record, List<BookedRecord> booked)
    {
        BatchOwner? owner = record.BatchId.IsEmpty ? null : _batches.Find(record);
        Principal? principal = owner?.Principal ?? record.Principal;
        CredentialKind credential = owner?.Credential ?? record.Credential;
        if (Insert(record, principal, credential))
        {
            _batches.Note(record);
            _rollups.Add(record, principal, credential);
            booked.Add(new BookedRecord(record, principal?.KeyHash, credential));
        }
    }

    /// <returns>False when the ledger has it already.</returns>
    private bool Insert(SpendRecord record, Principal? principal, CredentialKind credential)
    {
        Span<byte> id = stackalloc byte[16];
        record.Id.TryWriteBytes(id, bigEndian: true, out _);

        SpendStatement row = _spend;
        row.Begin();
        row.Blob(id);
        row.Number(record.StartedAtUnixMs);
        row.Number(record.TimeToFirstByteUs);
        row.Number(record.DurationUs);
        row.Text(principal?.KeyHash);
        row.Text(principal?.KeyAlias);
        row.Text(principal?.TeamId);
        row.Text(principal?.UserId);
        row.Text(record.Route);
        row.Word(record.PathClass);
        row.Word(record.Method);
        row.Word(credential);
        row.Number(record.Status);
        row.Word(record.EndReason);
        row.Word(record.Failure);
        row.Word(record.Refusal);
        row.Number((long)record.Flags);
        row.Text(record.ModelAsked);
        row.Text(record.ModelServed);
        row.Text(record.UpstreamRequestId);
        row.Text(record.MessageId);
        row.Text(record.SessionId);
        row.Text(record.AgentId);
        row.Text(record.ParentAgentId);
        row.Text(record.Tags);
        row.Text(record.BatchId);
        row.Number(record.Streamed ? 1 : 0);
        row.Number(record.CostNanoUsd);
        row.Text(record.PriceVersion);
        row.Number(record.RequestBodyBytes);
        row.Number(record.ResponseBodyBytes);
        row.Usage(record.Usage);
        row.Execute();
        bool isNew = row.Changes > 0;
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
