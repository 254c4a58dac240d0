using System.Security.Cryptography;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Reads the results of a message batch (JSON lines) as they stream by and books each line that was billed as a record of its own. The id
/// of such a record is made from the batch and the line's <c>custom_id</c>, so that the ledger takes it once however often the results are
/// fetched. Resumable at any byte.
/// </summary>
internal struct BatchResultsScanner
{
    private UsageReader _reader;
    private bool _isBlank;
    private bool _isBroken;

    /// <summary>A line could not be booked; nothing more is read.</summary>
    public bool IsLedgerFull { get; private set; }

    public void Begin(UsageDraft draft)
    {
        this = default;
        BeginLine(draft);
    }

    /// <param name="fetch">The exchange that fetches the results; what a line does not say itself is taken from it.</param>
    public void Feed(ReadOnlySpan<byte> data, UsageDraft draft, SpendRecord fetch, ISpendSink spend)
    {
        while (!data.IsEmpty && !IsLedgerFull)
        {
            int end = data.IndexOf((byte)'\n');
            ReadOnlySpan<byte> piece = end < 0 ? data : data[..end];
            _isBlank &= piece.Trim("\r \t"u8).IsEmpty;
            _reader.Feed(piece, draft);
            if (end < 0)
            {
                return;
            }

            EndLine(draft, fetch, spend);
            data = data[(end + 1)..];
        }
    }

    /// <summary>The body is over.</summary>
    /// <returns>Every line was whole and is booked.</returns>
    public bool End(UsageDraft draft, SpendRecord fetch, ISpendSink spend)
    {
        EndLine(draft, fetch, spend);
        if (_isBroken)
        {
            fetch.Flags |= SpendFlags.Unreadable;
        }

        return !_isBroken && !IsLedgerFull;
    }

    private void BeginLine(UsageDraft draft)
    {
        _isBlank = true;
        _reader.Begin(draft, UsageDocument.BatchLine);
    }

    private void EndLine(UsageDraft draft, SpendRecord fetch, ISpendSink spend)
    {
        if (!_isBlank && !IsLedgerFull)
        {
            bool isResult = _reader.IsComplete && !draft.CustomId.IsEmpty;
            _isBroken |= !isResult || (_reader.HasSucceeded && !draft.Message.HasUsage);
            if (isResult && _reader.HasSucceeded && draft.Message.HasUsage)
            {
                IsLedgerFull = !TryBook(draft, fetch, spend, _reader.HasContent);
            }
        }

        BeginLine(draft);
    }

    private static bool TryBook(UsageDraft draft, SpendRecord fetch, ISpendSink spend, bool hasContent)
    {
        if (!spend.TryClaim(out SpendRecord? line))
        {
            return false;
        }

        line.Id = IdOf(fetch.MessageId.Bytes, draft.CustomId.Bytes);
        line.BatchId.Set(fetch.MessageId.Bytes);
        line.StartedAtUnixMs = fetch.StartedAtUnixMs;
        line.Caller = fetch.Caller;
        line.Route = fetch.Route;
        line.PathClass = fetch.PathClass;
        line.Method = fetch.Method;
        line.Credential = fetch.Credential;
        line.Status = fetch.Status;
        line.UpstreamRequestId.Set(fetch.UpstreamRequestId.Bytes);
        line.SessionId.Set(fetch.SessionId.Bytes);
        line.Tags.Set(fetch.Tags.Bytes);
        draft.Message.ApplyTo(line);
        draft.FreeRefusals.Mark(line, draft.Message, hasContent);

        // Whatever the line says: a batch is billed at batch rates.
        line.Usage.ServiceTier = ServiceTier.Batch;
        for (int i = 0; i < line.IterationCount; i++)
        {
            line.Iteration(i).Usage.ServiceTier = ServiceTier.Batch;
        }

        spend.Complete(line);
        return true;
    }

    /// <summary>A version 8 UUID (RFC 9562 §5.8): the same for the same line, whoever fetches it and when.</summary>
    private static Guid IdOf(ReadOnlySpan<byte> batchId, ReadOnlySpan<byte> customId)
    {
        Span<byte> name = stackalloc byte[SpendRecord.IdCapacity + 1 + SpendRecord.ModelCapacity];
        batchId.CopyTo(name);
        name[batchId.Length] = 0;
        customId.CopyTo(name[(batchId.Length + 1)..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name[..(batchId.Length + 1 + customId.Length)], hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
