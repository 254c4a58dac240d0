using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Looks at a response body as it streams by and keeps the usage counters of its <see cref="SpendRecord"/> current. Owned by an exchange and
/// reused; never holds bytes back. Allocates nothing on identity-coded bodies; a compressed body is read by a side decoder.
/// </summary>
public sealed class ResponseMeter(ISpendSink? spend = null) : IDisposable
{
    private readonly UsageDraft _draft = new();
    private SpendRecord? _record;
    private BodyDecoder? _decoder;
    private bool _isDecoding;
    private Format _format;
    private SseUsageScanner _events;
    private JsonUsageScanner _document;
    private BatchResultsScanner _lines;

    private enum Format : byte
    {
        /// <summary>Nothing in it is booked.</summary>
        Ignored = 0,
        EventStream,
        Json,

        /// <summary>Results of a batch: a record for each line, none for the exchange itself.</summary>
        BatchResults,

        /// <summary>The answer to a new batch: only its id is of interest.</summary>
        NewBatch,
    }

    /// <summary>A result line could not be booked, because too many records are on their way to the ledger: the lines from there on must not be relayed.</summary>
    public bool IsLedgerFull => _format == Format.BatchResults && _lines.IsLedgerFull;

    /// <summary>What was seen of the body is a whole answer, whether or not more comes: its stream said so, or its document is closed.</summary>
    public bool IsWhole => _format switch
    {
        Format.EventStream => _events.IsStopped,
        Format.Json => _document.IsComplete,
        _ => false,
    };

    /// <summary>Starts on a body: which scanner looks at it follows from the record's path class, the status, Content-Type and Content-Encoding.</summary>
    public void Begin(SpendRecord record, int status, ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> contentEncoding)
    {
        _record = record;
        record.Streamed = MediaTypes.IsEventStream(contentType);
        _format = FormatOf(record, status, contentType);
        EndDecoding();
        if (_format == Format.Ignored)
        {
            return;
        }

        BeginDecoding(record, contentEncoding.Trim(" \t"u8));
        switch (_format)
        {
            case Format.EventStream:
                _events.Begin(_draft);
                break;
            case Format.Json or Format.NewBatch:
                _document.Begin(_draft);
                break;
            case Format.BatchResults:
                _lines.Begin(_draft);
                break;
        }
    }

    /// <summary>The next body bytes, in order, framing removed.</summary>
    public void Feed(ReadOnlySpan<byte> body)
    {
        if (_format == Format.Ignored || _record is not { } record)
        {
            return;
        }

        int reports = record.UsageReports;
        if (_isDecoding)
        {
            Decode(body, record);
        }
        else
        {
            Scan(body, record);
        }

        // Into the journal before the bytes that say so reach the client.
        record.DeliveredOutputBytes = UnreportedOutputBytes();
        if (record.UsageReports != reports)
        {
            record.Checkpoint();
        }
    }

    /// <summary>
    /// The body is over. When it was cut short, or its stream did not say that it was whole, marks the record incomplete and estimates delivered
    /// output that no usage report covered. An <c>error</c> event seen in a stream sets <see cref="EndReason.UpstreamErrorEvent"/>, whatever the
    /// record said before. Without a Begin before it, does nothing.
    /// </summary>
    public void End(bool complete)
    {
        if (_record is not { } record)
        {
            return;
        }

        try
        {
            End(record, complete);
        }
        finally
        {
            // Whatever happens: the record is somebody else's from here on.
            EndDecoding();
            _record = null;
            _format = Format.Ignored;
        }
    }

    public void Dispose() => _decoder?.Dispose();

    private Format FormatOf(SpendRecord record, int status, ReadOnlySpan<byte> contentType)
    {
        // count_tokens is free, and errors cost nothing.
        if (status is < 200 or > 299)
        {
            return Format.Ignored;
        }

        switch (record.PathClass)
        {
            case PathClass.Messages:
                break;
            case PathClass.BatchResults when spend is not null:
                return Format.BatchResults;
            case PathClass.BatchCreation:
                return Format.NewBatch;
            default:
                return Format.Ignored;
        }

        if (MediaTypes.IsEventStream(contentType))
        {
            return Format.EventStream;
        }

        if (MediaTypes.IsJson(contentType))
        {
            return Format.Json;
        }

        // An answer that was surely billed, in a form nobody can read.
        record.Flags |= SpendFlags.Unreadable;
        return Format.Ignored;
    }

    private void BeginDecoding(SpendRecord record, ReadOnlySpan<byte> name)
    {
        bool isKnown = ContentCodingNames.TryFind(name, out ContentCodings coding);
        if (isKnown && coding == ContentCodings.Identity)
        {
            return;
        }

        if (isKnown && coding == ContentCodings.Brotli)
        {
            _decoder ??= new BodyDecoder();
            _decoder.BeginBrotli();
            _isDecoding = true;
        }
        else if (isKnown && coding == ContentCodings.Gzip)
        {
            _decoder ??= new BodyDecoder();
            _decoder.BeginGzip();
            _isDecoding = true;
        }
        else
        {
            record.Flags |= SpendFlags.Unreadable;
            _format = Format.Ignored;
        }
    }

    private void EndDecoding()
    {
        if (_isDecoding)
        {
            _decoder!.End();
            _isDecoding = false;
        }
    }

    private void Decode(ReadOnlySpan<byte> body, SpendRecord record)
    {
        BodyDecoder decoder = _decoder!;
        while (decoder.TryDecode(ref body, out ReadOnlySpan<byte> decoded))
        {
            Scan(decoded, record);
        }

        if (decoder.IsCorrupt)
        {
            record.Flags |= SpendFlags.Unreadable;
        }
    }

    private long UnreportedOutputBytes() => _format switch
    {
        Format.EventStream when !_events.OutputIsReported => _events.OutputBytes,
        Format.Json when !_document.HasUsage => _document.OutputBytes,
        _ => 0,
    };

    private void Scan(ReadOnlySpan<byte> bytes, SpendRecord record)
    {
        switch (_format)
        {
            case Format.EventStream:
                _events.Feed(bytes, _draft, record);
                break;
            case Format.BatchResults:
                _lines.Feed(bytes, _draft, record, spend!);
                break;
            default:
                _document.Feed(bytes, _draft, record);
                break;
        }
    }

    private void End(SpendRecord record, bool complete)
    {
        record.DeliveredOutputBytes = 0;
        switch (_format)
        {
            case Format.EventStream:
                EndEvents(record, complete);
                break;

            case Format.Json:
                EndDocument(record, complete);
                break;

            case Format.NewBatch:
                record.MessageId.Set(_draft.MessageId.Bytes);
                MarkIncomplete(record, !complete);
                break;

            case Format.BatchResults:
                bool areWhole = _lines.End(_draft, record, spend!) && complete;
                MarkIncomplete(record, !areWhole);
                break;

            default:
                MarkIncomplete(record, !complete);
                break;
        }
    }

    private void EndEvents(SpendRecord record, bool complete)
    {
        bool isWhole = complete && _events.IsStopped;
        MarkIncomplete(record, !isWhole);
        if (_events.IsUnreadable)
        {
            record.Flags |= SpendFlags.Unreadable;
        }

        if (_events.HasError)
        {
            record.EndReason = EndReason.UpstreamErrorEvent;
            if (!_events.OutputBegan && !_events.OutputIsReported)
            {
                // message_start says "about 1" before there is any. The price book takes an error without output for free.
                record.Usage.OutputTokens = 0;
                ClearIterationOutput(record);
                return;
            }
        }

        if (!isWhole && !_events.OutputIsReported)
        {
            OutputEstimate.Apply(record, _events.OutputBytes);
        }
    }

    private void EndDocument(SpendRecord record, bool complete)
    {
        _document.End(_draft, record);
        bool isWhole = complete && _document.IsComplete;
        MarkIncomplete(record, !isWhole);
        if (_document.IsUnreadable || (complete && !_document.IsComplete))
        {
            record.Flags |= SpendFlags.Unreadable;
        }

        if (!isWhole && !_document.HasUsage)
        {
            OutputEstimate.Apply(record, _document.OutputBytes);
        }
    }

    private static void MarkIncomplete(SpendRecord record, bool isIncomplete)
    {
        if (isIncomplete)
        {
            record.Flags |= SpendFlags.Incomplete;
        }
    }

    private static void ClearIterationOutput(SpendRecord record)
    {
        for (int i = 0; i < record.IterationCount; i++)
        {
            record.Iteration(i).Usage.OutputTokens = 0;
        }
    }
}
