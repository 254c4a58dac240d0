using System.Buffers;
using Proxy.Core.Anthropic;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Looks at a response body as it streams by and keeps the usage counters of its <see cref="SpendRecord"/> current. What the body is, and
/// how it is coded, is told by its first bytes; what its head says of that only helps. Owned by an exchange and reused; never holds bytes
/// back. Allocates nothing on identity-coded bodies; a compressed body is read by a side decoder.
/// </summary>
public sealed class ResponseMeter(ISpendSink? spend = null) : IDisposable
{
    /// <summary>64 MiB: many times the longest answer.</summary>
    public const long DefaultMaxDecodedBytes = 64L * 1024 * 1024;

    // White space of JSON and of event streams, and a byte order mark: neither says which of the two it is.
    private static readonly SearchValues<byte> Blank = SearchValues.Create(
        [(byte)' ', (byte)'\t', (byte)'\r', (byte)'\n', 0xEF, 0xBB, 0xBF]);

    private readonly UsageDraft _draft = new();
    private SpendRecord? _record;
    private BodyDecoder? _decoder;
    private CodingProbe _coding;
    private CodingStep _codingStep;
    private Format _announced;
    private Format _format;
    private SseUsageScanner _events;
    private JsonUsageScanner _document;
    private BatchResultsScanner _lines;

    private enum Format : byte
    {
        /// <summary>Nothing in it is booked.</summary>
        Ignored = 0,

        /// <summary>An answer, before its first byte that tells.</summary>
        Undecided,
        EventStream,
        Json,

        /// <summary>Results of a batch: a record for each line, none for the exchange itself.</summary>
        BatchResults,

        /// <summary>The answer to a new batch: only its id is of interest.</summary>
        NewBatch,
    }

    private enum CodingStep : byte
    {
        Probing = 0,
        Plain,
        Decoding,

        /// <summary>It cannot be read, or no more of it is.</summary>
        GivenUp,
    }

    /// <summary>
    /// A result line could not be booked, because too many records are on their way to the ledger: the lines from there on must not be
    /// relayed.
    /// </summary>
    public bool IsLedgerFull => _format == Format.BatchResults && _lines.IsLedgerFull;

    /// <summary>
    /// What was seen of the body is a whole answer, whether or not more comes: its stream said so, or its document is closed.
    /// </summary>
    public bool IsWhole => _format switch
    {
        Format.EventStream => _events.IsStopped,
        Format.Json => _document.IsComplete,
        _ => false,
    };

    /// <summary>
    /// The most tokens the answer may hold, as its request says; no estimate is above it. To be set before Begin; each End makes it
    /// unlimited again.
    /// </summary>
    public long MaxOutputTokens { get; set; } = long.MaxValue;

    /// <summary>
    /// Bytes that a coded body may unpack to. Beyond it, one that unpacks to a hundred times its size is given up and flagged
    /// <see cref="SpendFlags.Unreadable"/>; one that shrank as text does is read on.
    /// </summary>
    public long MaxDecodedBytes { get; set; } = DefaultMaxDecodedBytes;

    /// <summary>Which refusals cost nothing; the price data says so.</summary>
    public FreeRefusals FreeRefusals { get => _draft.FreeRefusals; set => _draft.FreeRefusals = value; }

    /// <summary>Usage was reported and booked. Stays until the next Begin.</summary>
    public bool HasUsage { get; private set; }

    /// <summary>
    /// The answer was one that is billed, and so far it did not say for how much: what the request is reckoned to cost is to be booked,
    /// flagged. Stays until the next Begin.
    /// </summary>
    public bool LacksUsage { get; private set; }

    /// <summary>Starts on a body: whether it is looked at follows from the record's path class and the status.</summary>
    public void Begin(SpendRecord record, int status, ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> contentEncoding)
    {
        _record = record;
        EndDecoding();
        _announced = MediaTypes.IsEventStream(contentType)
            ? Format.EventStream
            : MediaTypes.IsJson(contentType) ? Format.Json : Format.Ignored;
        record.Streamed = _announced == Format.EventStream;
        _format = FormatOf(record.PathClass, status);
        HasUsage = false;
        LacksUsage = _format == Format.Undecided;
        if (_format == Format.Ignored)
        {
            return;
        }

        _coding.Begin(contentEncoding.Trim(" \t"u8));
        switch (_format)
        {
            case Format.Undecided:
                _events.Begin(_draft, EventOf(record.PathClass));
                _document.Begin(_draft, DocumentOf(record.PathClass));
                break;
            case Format.NewBatch:
                _document.Begin(_draft, UsageDocument.Answer);
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
        Read(body, record);

        // Into the journal before the bytes that say so reach the client.
        record.DeliveredOutputBytes = Math.Min(UnreportedOutputBytes(), OutputEstimate.BytesOf(MaxOutputTokens));
        if (record.UsageReports != reports)
        {
            NoteUsage();
            record.Checkpoint();
        }
    }

    /// <summary>
    /// The body is over. When it was cut short, or its stream did not say that it was whole, marks the record incomplete; estimates
    /// delivered output that no usage report covered. An <c>error</c> event seen in a stream sets <see
    /// cref="EndReason.UpstreamErrorEvent"/>, whatever the record said before. Without a Begin before it, does nothing.
    /// </summary>
    public void End(bool complete)
    {
        if (_record is not { } record)
        {
            return;
        }

        if (_format != Format.Ignored && _codingStep == CodingStep.Probing)
        {
            // Too short to be coded.
            _codingStep = CodingStep.Plain;
            Scan(_coding.Taken, record);
        }

        record.DeliveredOutputBytes = 0;
        switch (_format)
        {
            case Format.EventStream:
            case Format.Undecided when _announced == Format.EventStream:
                EndEvents(record, complete);
                break;

            case Format.Json or Format.Undecided:
                EndDocument(record, complete);
                break;

            case Format.NewBatch:
                record.MessageId.Set(_draft.Root.MessageId.Bytes);
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

        NoteUsage();
        EndDecoding();
        MaxOutputTokens = long.MaxValue;
        _record = null;
        _format = Format.Ignored;
    }

    public void Dispose() => _decoder?.Dispose();

    private Format FormatOf(PathClass path, int status) => status is < 200 or > 299
        ? Format.Ignored
        : path switch
        {
            PathClass.Messages or PathClass.ChatCompletions or PathClass.Completions => Format.Undecided,
            PathClass.BatchResults when spend is not null => Format.BatchResults,
            PathClass.BatchCreation => Format.NewBatch,

            // count_tokens is free.
            _ => Format.Ignored,
        };

    private static UsageDocument DocumentOf(PathClass path) => path switch
    {
        PathClass.ChatCompletions => UsageDocument.ChatCompletion,
        PathClass.Completions => UsageDocument.TextCompletion,
        _ => UsageDocument.Answer,
    };

    private static UsageDocument EventOf(PathClass path) => path == PathClass.Messages ? UsageDocument.StreamEvent : DocumentOf(path);

    private void NoteUsage()
    {
        bool isFree = false;
        switch (_format)
        {
            case Format.EventStream:
                HasUsage = _events.HasUsage;
                isFree = _events.HasError && !_events.OutputBegan;
                break;
            case Format.Json:
                HasUsage = _document.HasUsage;
                isFree = _document.IsError;
                break;
        }

        LacksUsage &= !HasUsage && !isFree;
    }

    private void Read(ReadOnlySpan<byte> body, SpendRecord record)
    {
        if (_codingStep == CodingStep.Probing)
        {
            if (!_coding.TryDecide(ref body, out BodyCoding coding, out bool isIrregular))
            {
                return;
            }

            record.Flags |= isIrregular ? SpendFlags.Irregular : SpendFlags.None;
            BeginReading(coding, record);
            ReadPiece(_coding.Taken, record);
        }

        ReadPiece(body, record);
    }

    private void BeginReading(BodyCoding coding, SpendRecord record)
    {
        switch (coding)
        {
            case BodyCoding.Identity:
                _codingStep = CodingStep.Plain;
                break;
            case BodyCoding.Unknown:
                GiveUp(record);
                break;
            default:
                _decoder ??= new BodyDecoder();
                _decoder.Begin(coding, MaxDecodedBytes);
                _codingStep = CodingStep.Decoding;
                break;
        }
    }

    private void ReadPiece(ReadOnlySpan<byte> body, SpendRecord record)
    {
        switch (_codingStep)
        {
            case CodingStep.Plain:
                Scan(body, record);
                break;
            case CodingStep.Decoding:
                Decode(body, record);
                break;
        }
    }

    private void Decode(ReadOnlySpan<byte> body, SpendRecord record)
    {
        BodyDecoder decoder = _decoder!;
        while (decoder.TryDecode(ref body, out ReadOnlySpan<byte> decoded))
        {
            Scan(decoded, record);
        }

        if (decoder.IsCorrupt || decoder.IsTooLarge)
        {
            GiveUp(record);
        }
    }

    private void GiveUp(SpendRecord record)
    {
        record.Flags |= SpendFlags.Unreadable;
        _codingStep = CodingStep.GivenUp;
    }

    private void EndDecoding()
    {
        if (_codingStep is CodingStep.Decoding or CodingStep.GivenUp)
        {
            _decoder?.End();
        }

        _codingStep = CodingStep.Probing;
    }

    private long UnreportedOutputBytes() => _format switch
    {
        Format.EventStream when !_events.OutputIsReported => _events.OutputBytes,
        Format.Json when !_document.HasUsage => _document.OutputBytes,
        _ => 0,
    };

    private void Scan(ReadOnlySpan<byte> bytes, SpendRecord record)
    {
        if (_format == Format.Undecided)
        {
            bytes = Settle(bytes, record);
        }

        switch (_format)
        {
            case Format.EventStream:
                _events.Feed(bytes, _draft, record);
                break;
            case Format.BatchResults:
                _lines.Feed(bytes, _draft, record, spend!);
                break;
            case Format.Json or Format.NewBatch:
                _document.Feed(bytes, _draft, record);
                break;
        }
    }

    /// <summary>Finds out which of the two an answer is. Both see what is blank, which only one of them may pass over.</summary>
    /// <returns>What is left to look at.</returns>
    private ReadOnlySpan<byte> Settle(ReadOnlySpan<byte> bytes, SpendRecord record)
    {
        int found = bytes.IndexOfAnyExcept(Blank);
        ReadOnlySpan<byte> blank = found < 0 ? bytes : bytes[..found];
        _events.Feed(blank, _draft, record);
        _document.Feed(blank, _draft, record);
        if (found < 0)
        {
            return default;
        }

        _format = bytes[found] switch
        {
            (byte)'{' or (byte)'[' => Format.Json,

            // event, data, id, retry, and a comment.
            (byte)'e' or (byte)'d' or (byte)'i' or (byte)'r' or (byte)':' => Format.EventStream,
            _ => _announced,
        };
        record.Streamed = _format == Format.EventStream;
        if (_format == Format.Ignored)
        {
            // An answer that was surely billed, in a form nobody can read.
            GiveUp(record);
        }
        else if (_format != _announced)
        {
            record.Flags |= SpendFlags.Irregular;
        }

        return bytes[found..];
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

        if (!_events.OutputIsReported)
        {
            OutputEstimate.Apply(record, _events.OutputBytes, MaxOutputTokens);
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

        if (!_document.HasUsage && !_document.IsError)
        {
            OutputEstimate.Apply(record, _document.OutputBytes, MaxOutputTokens);
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
