using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>How far a response has come.</summary>
internal enum DownloadStage : byte
{
    /// <summary>Not a byte of it.</summary>
    Nothing = 0,

    /// <summary>Bytes of a head, or interim responses.</summary>
    Heads,

    /// <summary>The final head is here, whole, and nothing of it was relayed.</summary>
    Head,

    /// <summary>The client has been sent the head.</summary>
    Body,

    /// <summary>The body has come to the end of its framing.</summary>
    Done,
}

/// <summary>
/// Steps 9 (downwards) and 10: response heads are taken whole and written anew, response bodies pass in place and are metered where they
/// lie. Owned by the connection's task.
/// </summary>
internal sealed class Download(ClientOutput output, Deadlines deadlines, ResponseMeter meter)
{
    /// <summary>Space asked for before each read of a response body; a pool block is larger, and all of it is used.</summary>
    public const int MinimumRead = 4096;

    /// <summary>What a response head grows by at most: framing and persistence restated.</summary>
    private const int HeadRoom = 256;

    private readonly ResponseHeadReader _heads = new();
    private RequestHead _request = null!;
    private GatewayLimits _limits = null!;
    private SpendRecord? _record;
    private BodyReader _body;
    private BodyFraming _framingToClient;
    private int _interimCount;
    private bool _hasSurplus;

    public DownloadStage Stage { get; private set; }

    /// <summary>
    /// Made when a connection has its first response: many only wait, and its table of fields is the largest part of what one holds.
    /// </summary>
    private ResponseHead Head => field ??= new ResponseHead();

    /// <summary>The final response head is here.</summary>
    public bool HasHead => Stage >= DownloadStage.Head;

    /// <summary>The client has been sent the start of the response.</summary>
    public bool HasStarted => Stage >= DownloadStage.Body;

    public bool IsDone => Stage == DownloadStage.Done;

    /// <summary>100 (Continue) was relayed.</summary>
    public bool HasInvited { get; private set; }

    /// <summary>The end of the body is the end of the client's connection.</summary>
    public bool EndsWithConnection => HasStarted && _framingToClient == BodyFraming.UntilClose;

    /// <summary>The response ended exactly where its framing says, on a connection that may be used again (http-rules.md §1.4).</summary>
    public bool LeavesConnectionClean => IsDone && !_hasSurplus && Head.KeepAlive && Head.Framing != BodyFraming.UntilClose;

    /// <summary>A new attempt: nothing of a response has come.</summary>
    /// <param name="record">Where it is written down.</param>
    public void Begin(RequestHead request, GatewayLimits limits, SpendRecord? record)
    {
        _request = request;
        _limits = limits;
        _record = record;
        _interimCount = 0;
        _hasSurplus = false;
        HasInvited = false;
        Stage = DownloadStage.Nothing;
        _heads.Release();
    }

    /// <summary>Where the next bytes of a response head go. The buffer is rented only now that something can be read.</summary>
    public Memory<byte> HeadMemory() => _heads.GetMemory();

    /// <summary>Looks at what was read of response heads; relays interim ones, and stops behind the final one.</summary>
    /// <param name="count">Bytes read; 0 is the end of the connection.</param>
    public void TakeHead(int count)
    {
        if (count == 0)
        {
            ForwardException.Throw(Stage == DownloadStage.Nothing ? ForwardFailure.UpstreamClosed : ForwardFailure.UpstreamHead);
        }

        Stage = DownloadStage.Heads;
        _heads.Advance(count);
        while (Stage == DownloadStage.Heads)
        {
            HeadStatus end = _heads.Find(_limits.ResponseHead);
            if (end == HeadStatus.Incomplete)
            {
                return;
            }

            HeadError error = end == HeadStatus.Malformed ? _heads.Error : Head.Parse(_heads.Head, _request.Method, _limits.ResponseHead);
            if (error != HeadError.None)
            {
                ForwardException.Throw(ForwardFailure.UpstreamHead, error.ToString());
            }

            if (Head.IsInterim)
            {
                RelayInterim(_heads.Head);
                _heads.Next();
            }
            else
            {
                Stage = DownloadStage.Head;
            }
        }
    }

    /// <summary>
    /// True when the response ends the client's connection, whatever else does: HTTP/1.0 knows no chunks (RFC 9112 §6.1, §9.3).
    /// </summary>
    public bool MustClose => FramingToClient == BodyFraming.UntilClose;

    /// <summary>The final head goes to the client, with what was read behind it of the body.</summary>
    /// <param name="isLast">The connection ends behind this response.</param>
    public void RelayHead(bool isLast, UpstreamConnection upstream)
    {
        ReadOnlySpan<byte> head = _heads.Head;
        _framingToClient = FramingToClient;
        WriteHead(head, new OutboundResponse { Framing = _framingToClient, ClientVersion = _request.Version, Close = isLast });
        Note(_record!, head, upstream);
        _body = new BodyReader(Head.Framing, Head.ContentLength, _limits.Chunks);
        Stage = _body.IsComplete ? DownloadStage.Done : DownloadStage.Body;
        deadlines.Arm(DeadlineKind.ResponseBody);
        Span<byte> start = _heads.Rest;
        if (!start.IsEmpty)
        {
            int kept = Pass(start);
            start[..kept].CopyTo(output.GetSpan(kept));
            output.Advance(kept);
        }

        _heads.Release();
    }

    /// <summary>Bytes were read into the client's output: passes on what is body, keeps what is not.</summary>
    /// <param name="count">Bytes read; 0 is the end of the connection.</param>
    public void TakeBody(Span<byte> space, int count)
    {
        if (count == 0)
        {
            if (!_body.Close())
            {
                ForwardException.Throw(ForwardFailure.UpstreamBody);
            }

            Stage = DownloadStage.Done;
            return;
        }

        output.Advance(Pass(space[..count]));
        deadlines.Arm(DeadlineKind.ResponseBody);
    }

    /// <summary>No more is read of this response.</summary>
    public void Release() => _heads.Release();

    private BodyFraming FramingToClient =>
        Head.Framing == BodyFraming.Chunked && _request.Version == 10 ? BodyFraming.UntilClose : Head.Framing;

    /// <summary>
    /// 1xx (RFC 9110 §15.2): 100 and 103 are for the client to see, 102 is not; a switch of protocols was never asked for.
    /// </summary>
    private void RelayInterim(ReadOnlySpan<byte> head)
    {
        if (Head.Status == 101 || ++_interimCount > _limits.MaxInterimResponses)
        {
            ForwardException.Throw(ForwardFailure.UpstreamHead, "interim response");
        }

        bool isWanted = Head.Status == 103 || (Head.Status == 100 && _request.ExpectsContinue && !HasInvited);
        if (isWanted && _request.Version != 10)
        {
            HasInvited |= Head.Status == 100;
            WriteHead(head, new OutboundResponse { Framing = BodyFraming.None, ClientVersion = _request.Version });
        }
    }

    /// <summary>Writes down what the final head says, and begins to meter.</summary>
    private void Note(SpendRecord record, ReadOnlySpan<byte> head, UpstreamConnection upstream)
    {
        record.Status = Head.Status;
        if (Head.Fields.TryGetValue(FieldId.RequestId, head, out ReadOnlySpan<byte> requestId))
        {
            record.UpstreamRequestId.Set(requestId);
        }

        _ = Head.Fields.TryGetValue(FieldId.ContentType, head, out ReadOnlySpan<byte> type);
        _ = Head.Fields.TryGetValue(FieldId.ContentEncoding, head, out ReadOnlySpan<byte> coding);
        meter.MaxDecodedBytes = _limits.MaxDecodedAnswer;
        meter.Begin(record, Head.Status, type, coding);
        record.DurationUs = record.TimeToFirstByteUs;
        record.Checkpoint();
        upstream.IsStreaming = MediaTypes.IsEventStream(type);
    }

    private void WriteHead(ReadOnlySpan<byte> head, in OutboundResponse outbound)
    {
        int written = ResponseHeadWriter.Write(output.GetSpan(head.Length + HeadRoom), head, Head, outbound);
        if (written < 0)
        {
            ForwardException.Throw(ForwardFailure.Internal, "the rewritten response head does not fit its buffer");
        }

        output.Advance(written);
    }

    /// <summary>
    /// Follows the framing over the next bytes, shows body bytes to the meter, and closes the gaps that dropped framing leaves.
    /// </summary>
    /// <returns>Bytes at the start that go to the client.</returns>
    private int Pass(Span<byte> bytes)
    {
        int read = 0;
        int kept = 0;
        while (read < bytes.Length)
        {
            BodyPart part = _body.Next(bytes[read..], out int length);
            if (part == BodyPart.End)
            {
                _hasSurplus = true;
                break;
            }

            if (part == BodyPart.Invalid)
            {
                ForwardException.Throw(ForwardFailure.UpstreamBody, _body.Error.ToString());
            }

            Span<byte> run = bytes.Slice(read, length);
            if (part == BodyPart.Data)
            {
                Meter(run);
            }

            if (part == BodyPart.Data || (part == BodyPart.Framing && _framingToClient == BodyFraming.Chunked))
            {
                if (kept != read)
                {
                    run.CopyTo(bytes[kept..]);
                }

                kept += length;
            }

            read += length;
        }

        Stage = _body.IsComplete ? DownloadStage.Done : Stage;
        return kept;
    }

    private void Meter(ReadOnlySpan<byte> body)
    {
        _record!.ResponseBodyBytes += body.Length;
        meter.Feed(body);
        if (meter.IsLedgerFull)
        {
            ForwardException.Throw(ForwardFailure.LedgerFull);
        }
    }
}
