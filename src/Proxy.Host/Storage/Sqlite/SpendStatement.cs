using System.Text;
using System.Text.Unicode;
using Microsoft.Data.Sqlite;
using Proxy.Core.Spend;
using SQLitePCL;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>
/// One prepared statement, bound position by position. Below Microsoft.Data.Sqlite's parameters because those box every number and copy
/// every text; this binds spans and allocates nothing per record. Owned by the writer's thread.
/// </summary>
internal sealed class SpendStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private byte[] _scratch = new byte[512];
    private int _position;

    public SpendStatement(sqlite3 database, string sql)
    {
        _database = database;
        int code = raw.sqlite3_prepare_v2(database, sql, out _statement);
        SqliteException.ThrowExceptionForRC(code, database);
    }

    public void Begin() => _position = 0;

    public void Number(long value) => Check(raw.sqlite3_bind_int64(_statement, ++_position, value));

    public void Blob(ReadOnlySpan<byte> value) => Check(raw.sqlite3_bind_blob(_statement, ++_position, value));

    public void Word<T>(T value)
        where T : struct, Enum =>
        Check(raw.sqlite3_bind_text(_statement, ++_position, EnumNames<T>.Utf8(value)));

    /// <summary>NULL when it was never known. These bytes came from the network: what is not UTF-8 is repaired, so that every reader can read the row.</summary>
    public void Text(TextField field)
    {
        ReadOnlySpan<byte> bytes = field.Bytes;
        if (bytes.IsEmpty || Utf8.IsValid(bytes))
        {
            Text(bytes);
        }
        else
        {
            Text(field.ToString());
        }
    }

    public void Text(string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            Text(ReadOnlySpan<byte>.Empty);
            return;
        }

        int longest = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (_scratch.Length < longest)
        {
            _scratch = new byte[longest];
        }

        Text(_scratch.AsSpan(0, Encoding.UTF8.GetBytes(value, _scratch)));
    }

    /// <summary>Empty stays empty: for parts of a primary key.</summary>
    public void Required(string value)
    {
        if (value.Length == 0)
        {
            Check(raw.sqlite3_bind_text(_statement, ++_position, ReadOnlySpan<byte>.Empty));
            return;
        }

        Text(value);
    }

    /// <summary>Rows that the latest <see cref="Execute"/> changed.</summary>
    public int Changes => raw.sqlite3_changes(_database);

    /// <summary>All columns of a record, in their order.</summary>
    public void Record(SpendRecord record)
    {
        Span<byte> id = stackalloc byte[16];
        foreach (SpendColumn column in SpendColumns.Span)
        {
            switch (column.Kind)
            {
                case SpendColumnKind.Id:
                    record.Id.TryWriteBytes(id, bigEndian: true, out _);
                    Blob(id);
                    break;
                case SpendColumnKind.Number:
                    Number(column.Number(record));
                    break;
                case SpendColumnKind.Word:
                    Text(column.WordOf(record));
                    break;
                case SpendColumnKind.Text:
                    Text(column.Text(record));
                    break;
                case SpendColumnKind.Name:
                    Text(column.NameOf(record));
                    break;
                default:
                    Text(record.Caller is { } caller ? column.Caller(caller) : null);
                    break;
            }
        }
    }

    public void Usage(in UsageCounters usage)
    {
        for (int i = 0; i < UsageCounters.Count; i++)
        {
            Number(usage[(UsageCounter)i]);
        }

        Word(usage.ServiceTier);
        Word(usage.Speed);
        Word(usage.InferenceGeo);
    }

    public void Execute()
    {
        int code = raw.sqlite3_step(_statement);
        if (code == raw.SQLITE_DONE)
        {
            Check(raw.sqlite3_reset(_statement));
            return;
        }

        // A statement left unreset would hold the transaction open; its error is the step's.
        _ = raw.sqlite3_reset(_statement);
        SqliteException.ThrowExceptionForRC(code, _database);
    }

    public void Dispose() => _statement.Dispose();

    private void Text(ReadOnlySpan<byte> utf8) =>
        Check(utf8.IsEmpty ? raw.sqlite3_bind_null(_statement, ++_position) : raw.sqlite3_bind_text(_statement, ++_position, utf8));

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(code, _database);
        }
    }
}
