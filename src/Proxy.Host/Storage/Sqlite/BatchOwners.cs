using Microsoft.Data.Sqlite;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Spend;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>Who made which message batch: a line of its results is booked to that key and payer, whoever fetches it. Owned by the writer's thread.</summary>
internal sealed class BatchOwners : IDisposable
{
    private readonly SpendStatement _remember;
    private readonly SqliteCommand _find;
    private readonly SqliteParameter _id;

    // Lines of one batch come together.
    private string _last = "";
    private BatchOwner? _lastOwner;

    public BatchOwners(SqliteConnection connection)
    {
        _remember = new SpendStatement(connection.Handle!, "INSERT OR IGNORE INTO batches (batch_id, key_hash, credential, created_at_ms) VALUES (?, ?, ?, ?)");
        _find = connection.CreateCommand();
        _find.CommandText =
            "SELECT b.key_hash, b.credential, k.scope_id, k.alias, k.team_id, k.user_id FROM batches b LEFT JOIN keys k ON k.hash = b.key_hash WHERE b.batch_id = $id";
        _id = _find.Parameters.Add("$id", SqliteType.Text);
    }

    /// <summary>A batch that was made just now is remembered.</summary>
    public void Note(SpendRecord record)
    {
        if (record.PathClass != PathClass.BatchCreation || record.Status is < 200 or > 299 || !record.MessageId.Bytes.StartsWith("msgbatch_"u8))
        {
            return;
        }

        _remember.Begin();
        _remember.Text(record.MessageId);
        _remember.Text(record.Caller?.KeyHash);
        _remember.Word(record.Credential);
        _remember.Number(record.StartedAtUnixMs);
        _remember.Execute();
        _last = "";
    }

    /// <summary>The maker of the batch that a result line belongs to; null for one that was not made through this gateway.</summary>
    public BatchOwner? Find(SpendRecord line)
    {
        string id = line.BatchId.ToString();
        if (id == _last)
        {
            return _lastOwner;
        }

        _id.Value = id;
        using SqliteDataReader reader = _find.ExecuteReader();
        _lastOwner = reader.Read() && reader.TextOrNull(0) is { } hash
            ? new BatchOwner(
                new KeyIdentity(hash, reader.TextOrNull(3), reader.TextOrNull(4), reader.TextOrNull(5), reader.TextOrNull(2) ?? hash),
                EnumNames<CredentialKind>.Parse(reader.GetString(1)))
            : null;
        _last = id;
        return _lastOwner;
    }

    public void Dispose()
    {
        _remember.Dispose();
        _find.Dispose();
    }
}
