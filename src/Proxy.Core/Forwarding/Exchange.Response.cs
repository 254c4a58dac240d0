using System.Buffers;
using System.IO.Pipelines;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Forwarding;

/// <summary>Steps 9 (downwards) and 10: response heads are written anew, response bodies pass in place and are metered where they lie.</summary>
internal sealed partial class Exchange
{
    private const int FirstHeadBuffer = 16 * 1024;

    /// <summary>What a response head grows by at most: framing and persistence restated.</summary>
    private const int ResponseHeadRoom = 256;

    private HeadScanner _responseScanner;
    private ChunkScanner _responseChunks;
    private byte[]? _headBuffer;
    private int _headFilled;
    private long _responseBytesSeen;
    private int _interimCount;
    private bool _interimPending;
    private bool _continueRelayed;
    private bool _finalHead;
    private bool _responseDone;
    private bool _surplus;
    private bool _metering;
    private bool _writingToClient;
    private BodyFraming _framingToClient;
    private long _responseRemaining;

    private void BeginResponse()
    {
        _responseScanner = default;
        _responseChunks = new ChunkScanner(_snapshot.Limits.Chunks);
        _headFilled = 0;
        _responseBytesSeen = 0;
        _interimCount = 0;
        _interimPending = false;
        _continueRelayed = false;
        _finalHead = false;
        _responseDone = false;
        _surplus = false;
        _metering = false;
        _writingToClient = false;
    }

    /// <summary>Where the next bytes of a response head go. The buffer is rented only now that something can be read.</summary>
    private Memory<byte> HeadSpace()
    {
        if (_headBuffer is null)
        {
            _headBuffer = ArrayPool<byte>.Shared.Rent(FirstHeadBuffer);
        }
        else if (_headFilled == _headBuffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(_headBuffer.Length * 2);
            _headBuffer.AsSpan(0, _headFilled).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_headBuffer);
            _headBuffer = larger;
        }

        return _headBuffer.AsMemory(_headFilled);
    }

    /// <summary>Looks at what was read of a response head; handles every head that is whole.</summary>
    private void TakeResponseHead(int count, in ReadOnlySequence<byte> requestBuffer)
    {
        _interimPending = false;
        if (count == 0)
        {
            ForwardException.Throw(_responseBytesSeen == 0 ? ForwardFailure.UpstreamClosed : ForwardFailure.UpstreamHead);
        }

        if (_responseBytesSeen == 0)
        {
            // The upstream has answered: this request will not be sent again.
            ReleaseHeadWhenUnread(requestBuffer);
            _record!.TimeToFirstByteUs = (long)_gateway.Time.GetElapsedTime(_startedAt).TotalMicroseconds;
        }

        _responseBytesSeen += count;
        _headFilled += count;
        HeadLimits limits = _snapshot.Limits.ResponseHead;
        while (!_finalHead)
        {
            HeadEnd end = _responseScanner.Scan(new ReadOnlySequence<byte>(_headBuffer!, 0, _headFilled), limits, isRequest: false);
            if (end == HeadEnd.Incomplete)
            {
                return;
            }

            if (end == HeadEnd.Malformed)
            {
                ForwardException.Throw(ForwardFailure.UpstreamHead, _responseScanner.Error.ToString());
            }

            int headEnd = _responseScanner.LeadingBytes + _responseScanner.HeadLength;
            ReadOnlySpan<byte> head = _headBuffer.AsSpan(_responseScanner.LeadingBytes, _responseScanner.HeadLength);
            HeadError error = _response.Parse(head, _request.Method, limits);
            if (error != HeadError.None)
            {
                ForwardException.Throw(ForwardFailure.UpstreamHead, error.ToString());
            }

            if (_response.IsInterim)
            {
                RelayInterim(head);
            }
            else
            {
                BeginFinalResponse(head);
            }

            // What follows the head: the next head, or the start of the body.
            _headBuffer.AsSpan(headEnd, _headFilled - headEnd).CopyTo(_headBuffer);
            _headFilled -= headEnd;
            _responseScanner = default;
        }

        if (_headFilled > 0)
        {
            Span<byte> start = _headBuffer.AsSpan(0, _headFilled);
            if (_responseDone)
            {
                _surplus = true;
            }
            else
            {
                int kept = PassBody(start);
                start[..kept].CopyTo(_output.GetSpan(kept));
                _output.Advance(kept);
                _unflushed += kept;
            }
        }

        ReleaseHeadBuffer();
    }

    /// <summary>1xx (RFC 9110 §15.2): 100 and 103 are for the client to see, 102 is not; a switch of protocols was never asked for.</summary>
    private void RelayInterim(ReadOnlySpan<byte> head)
    {
        if (_response.Status == 101 || ++_interimCount > _snapshot.Limits.MaxInterimResponses)
        {
            ForwardException.Throw(ForwardFailure.UpstreamHead, "interim response");
        }

        bool wanted = _response.Status == 103 || (_response.Status == 100 && _request.ExpectsContinue && !_continueRelayed);
        if (!wanted || _request.Version == 10)
        {
            return;
        }

        _continueRelayed |= _response.Status == 100;
        WriteResponseHead(head, new OutboundResponse { Framing = BodyFraming.None, ClientVersion = _request.Version });
        _interimPending = true;
    }

    private void BeginFinalResponse(ReadOnlySpan<byte> head)
    {
        _finalHead = true;
        BodyFraming framing = _response.Framing;

        // HTTP/1.0 knows no chunks: the body goes without them and ends with the connection (RFC 9112 §6.1, §9.3).
        _framingToClient = framing == BodyFraming.Chunked && _request.Version == 10 ? BodyFraming.UntilClose : framing;
        _closeAfter |= !_request.KeepAlive || IsLast || _framingToClient == BodyFraming.UntilClose;
        WriteResponseHead(head, new OutboundResponse { Framing = _framingToClient, ClientVersion = _request.Version, Close = _closeAfter });
        _responseStarted = true;
        _record!.Status = _response.Status;
        if (TryGetResponse(FieldId.RequestId, head, out ReadOnlySpan<byte> requestId))
        {
            _record.UpstreamRequestId.Set(requestId);
        }

        _ = TryGetResponse(FieldId.ContentType, head, out ReadOnlySpan<byte> type);
        _ = TryGetResponse(FieldId.ContentEncoding, head, out ReadOnlySpan<byte> coding);
        _responseMeter.Begin(_record, _response.Status, type, coding);
        _metering = true;
        _record.RequestBodyBytes = _uploadedBytes;
        _record.DurationUs = _record.TimeToFirstByteUs;
        _record.Checkpoint();
        _upstream!.ExpectsQuiet = type.StartsWith("text/event-stream"u8);
        _responseRemaining = _response.ContentLength;
        _responseDone = framing == BodyFraming.None || (framing == BodyFraming.Length && _responseRemaining == 0);
        Arm(DeadlineKind.ResponseBody, _snapshot.Limits.SilenceTimeout);
    }

    private bool TryGetResponse(FieldId id, ReadOnlySpan<byte> head, out ReadOnlySpan<byte> value)
    {
        int index = _response.Fields.Find(id);
        value = index < 0 ? default : _response.Fields[index].Value.Of(head);
        return index >= 0;
    }

    private void WriteResponseHead(ReadOnlySpan<byte> head, in OutboundResponse outbound)
    {
        int written = ResponseHeadWriter.Write(_output.GetSpan(head.Length + ResponseHeadRoom), head, _response, outbound);
        if (written < 0)
        {
            ForwardException.Throw(ForwardFailure.Internal, "the rewritten response head does not fit its buffer");
        }

        _output.Advance(written);
        _unflushed += written;
    }

    /// <summary>Bytes were read into the client's output: passes on what is body, keeps what is not.</summary>
    private void TakeResponseBody(Span<byte> space, int count)
    {
        if (count == 0)
        {
            if (_response.Framing != BodyFraming.UntilClose)
            {
                ForwardException.Throw(ForwardFailure.UpstreamBody);
            }

            _responseDone = true;
            return;
        }

        int kept = PassBody(space[..count]);
        _output.Advance(kept);
        _unflushed += kept;
        Arm(DeadlineKind.ResponseBody, _snapshot.Limits.SilenceTimeout);
    }

    /// <summary>Follows the framing over the next bytes, shows body bytes to the meter, and closes the gaps that dropped framing leaves.</summary>
    /// <returns>Bytes at the start that go to the client.</returns>
    private int PassBody(Span<byte> bytes)
    {
        switch (_response.Framing)
        {
            case BodyFraming.Length:
                int count = (int)Math.Min(bytes.Length, _responseRemaining);
                _responseRemaining -= count;
                _responseDone = _responseRemaining == 0;
                _surplus |= count < bytes.Length;
                Meter(bytes[..count]);
                return count;
            case BodyFraming.UntilClose:
                Meter(bytes);
                return bytes.Length;
            default:
                return PassChunks(bytes);
        }
    }

    private int PassChunks(Span<byte> bytes)
    {
        bool relayFraming = _framingToClient == BodyFraming.Chunked;
        int read = 0;
        int kept = 0;
        while (read < bytes.Length && !_responseDone)
        {
            ChunkPart part = _responseChunks.Next(bytes[read..], out int length);
            if (part == ChunkPart.Invalid)
            {
                ForwardException.Throw(ForwardFailure.UpstreamBody, _responseChunks.Error.ToString());
            }

            Span<byte> run = bytes.Slice(read, length);
            if (part == ChunkPart.Data)
            {
                Meter(run);
            }

            if (part == ChunkPart.Data || (part == ChunkPart.Framing && relayFraming))
            {
                if (kept != read)
                {
                    run.CopyTo(bytes[kept..]);
                }

                kept += length;
            }

            read += length;
            _responseDone = _responseChunks.IsComplete;
        }

        _surplus |= read < bytes.Length;
        return kept;
    }

    private void Meter(ReadOnlySpan<byte> body)
    {
        _record!.ResponseBodyBytes += body.Length;
        _responseMeter.Feed(body);
        if (_responseMeter.IsLedgerFull)
        {
            ForwardException.Throw(ForwardFailure.LedgerFull);
        }
    }

    private void ReleaseHeadBuffer()
    {
        _headFilled = 0;
        if (_headBuffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_headBuffer);
            _headBuffer = null;
        }
    }

    /// <summary>Flushes to the client, under the deadline for clients that do not read.</summary>
    private ValueTask<FlushResult> FlushToClient()
    {
        _unflushed = 0;
        _writingToClient = true;
        ValueTask<FlushResult> flush = _output.FlushAsync();
        if (!flush.IsCompleted)
        {
            Arm(DeadlineKind.ClientRead, _snapshot.Limits.ClientReadTimeout);
            _flushPending = true;
        }

        return flush;
    }

    private void CheckFlush(in FlushResult flush)
    {
        NoteFlush(flush);
        if (_clientGone)
        {
            ForwardException.Throw(ForwardFailure.ClientGone);
        }
    }

    /// <summary>
    /// A client that leaves when it has read its whole response is not one that left early: only a transport that no longer takes bytes is.
    /// </summary>
    private void CheckLastFlush(in FlushResult flush)
    {
        NoteFlush(flush);
        if (flush.IsCompleted)
        {
            ForwardException.Throw(ForwardFailure.ClientGone);
        }
    }

    private void NoteFlush(in FlushResult flush)
    {
        _writingToClient = false;
        if (_flushPending)
        {
            _flushPending = false;
            Arm(_finalHead ? DeadlineKind.ResponseBody : DeadlineKind.ResponseHead, _finalHead ? _snapshot.Limits.SilenceTimeout : _snapshot.Limits.ResponseHeadTimeout);
        }

        if (flush.IsCompleted)
        {
            _clientGone = true;
        }
    }
}
