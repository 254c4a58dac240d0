using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Step 9, upwards: what does not leave together with the head goes up in a second loop, so that an upstream may answer while it comes.
/// The loop is started once per connection, when first needed, and woken for each request that needs it.
/// While it runs it owns the input, the request framing state and the upstream's sending half; the exchange owns all the rest.
/// </summary>
internal sealed partial class Exchange
{
    /// <summary>A request body leaves in pieces of up to this size: fewer TLS records, fewer sends.</summary>
    private const int SendUnit = UpstreamConnection.MaxSendHint;

    private readonly Signal _uploadBegins = new();
    private readonly Signal _uploadEnded = new();
    private Task? _uploadLoop;
    private ChunkScanner _requestChunks;
    private long _bodyRemaining;
    private long _uploadedBytes;
    private int _bodyTaken;
    private bool _bodyBegun;
    private bool _uploadStarted;
    private volatile bool _bodyTakenWhole;
    private volatile bool _requestSent;
    private volatile bool _uploadStopped;
    private volatile ForwardFailure _uploadFailure;

    private void BeginBody()
    {
        _bodyBegun = false;
        _bodyTaken = 0;
        _uploadedBytes = 0;
        _uploadStarted = false;
        _requestSent = false;
        _uploadStopped = false;
        _uploadFailure = ForwardFailure.None;
        _bodyTakenWhole = false;
    }

    /// <summary>Framing state as the head gives it: at the start, and again for a retry.</summary>
    private void RestartBody()
    {
        _bodyBegun = true;
        _requestChunks = new ChunkScanner(_snapshot.Limits.Chunks);
        _bodyRemaining = _request.Framing == BodyFraming.Length ? _request.ContentLength : 0;
        _bodyTakenWhole = _request.Framing == BodyFraming.None || (_request.Framing == BodyFraming.Length && _bodyRemaining == 0);
        _uploadedBytes = 0;
    }

    /// <summary>The first bytes are on their way: lets go of the input, or keeps it when the request may have to be sent again (http-rules.md row 57).</summary>
    private void RequestBegun(in ReadOnlySequence<byte> buffer)
    {
        if (!_bodyTakenWhole)
        {
            ReleaseHead(buffer);
            _uploadStarted = true;
            _uploadLoop ??= UploadAsync();
            _uploadBegins.Set(true);
            return;
        }

        RequestSent(_upstream!);
        if (_request.Framing != BodyFraming.None)
        {
            ReleaseHead(buffer);
        }
    }

    private void RequestSent(UpstreamConnection upstream)
    {
        upstream.EndRequest();
        _requestSent = true;
        if (!_responseStarted)
        {
            Arm(DeadlineKind.ResponseHead, _snapshot.Limits.ResponseHeadTimeout);
        }
    }

    private async Task UploadAsync()
    {
        while (await _uploadBegins.WaitAsync())
        {
            UpstreamConnection upstream = _upstream!;
            try
            {
                while (!_bodyTakenWhole && !_uploadStopped)
                {
                    ArmUpload();
                    ReadResult read = await _input.ReadAsync();
                    TakeUpload(read, upstream);
                    if (upstream.PendingSend > 0)
                    {
                        await upstream.FlushAsync();
                    }
                }

                if (_bodyTakenWhole)
                {
                    RequestSent(upstream);
                }
            }
            catch (Exception fault)
            {
                UploadFailed(fault);
            }

            DisarmUpload();
            _uploadEnded.Set(true);
        }
    }

    private void TakeUpload(in ReadResult read, UpstreamConnection upstream)
    {
        int taken = 0;
        try
        {
            taken = TakeRequestBody(read.Buffer, upstream);
        }
        finally
        {
            _input.AdvanceTo(read.Buffer.GetPosition(taken));
        }

        if (!_bodyTakenWhole && read.IsCompleted && taken == read.Buffer.Length)
        {
            // Cut by the client: never sent as complete (http-rules.md row 46).
            ForwardException.Throw(ForwardFailure.ClientGone);
        }

        if (read.IsCanceled && TakeUploadExpired())
        {
            // A client that waits for 100 (Continue), and has sent nothing, waits for the upstream.
            bool waitsForUpstream = _request.ExpectsContinue && !_continueRelayed && _uploadedBytes == 0;
            ForwardException.Throw(waitsForUpstream ? ForwardFailure.UpstreamHeadTimeout : ForwardFailure.ClientBodyTimeout);
        }
    }

    private void UploadFailed(Exception fault)
    {
        if (_uploadStopped)
        {
            return;
        }

        _uploadFailure = fault switch
        {
            ForwardException forward => forward.Failure,
            ConnectionResetException or ConnectionAbortedException => ForwardFailure.ClientGone,
            _ when UpstreamConnection.IsTransportFault(fault) => TakeUploadExpired() ? ForwardFailure.UpstreamHeadTimeout : ForwardFailure.UpstreamSend,
            _ => ForwardFailure.Internal,
        };

        // An upstream that stopped taking the body may have answered: that answer is still read. Anything else ends the exchange.
        if (_uploadFailure == ForwardFailure.UpstreamSend)
        {
            Arm(DeadlineKind.ResponseHead, _snapshot.Limits.ResponseHeadTimeout);
        }
        else
        {
            AbortUpstream();
        }
    }

    /// <summary>The exchange is over while its body still comes: ends the loop wherever it waits.</summary>
    private void StopUpload()
    {
        bool isEnding = _requestSent || _uploadFailure != ForwardFailure.None || (_bodyTakenWhole && _upstream!.PendingSend == 0);
        if (isEnding)
        {
            return;
        }

        _uploadStopped = true;
        AbortUpstream();
        _input.CancelPendingRead();
    }

    /// <summary>Copies body bytes into the upstream's send buffer, chunked framing validated on the way, until it is full or the body ends.</summary>
    /// <returns>Bytes of the buffer that were used.</returns>
    private int TakeRequestBody(in ReadOnlySequence<byte> buffer, UpstreamConnection upstream)
    {
        int taken = 0;
        foreach (ReadOnlyMemory<byte> segment in buffer)
        {
            ReadOnlySpan<byte> bytes = segment.Span;
            while (!bytes.IsEmpty && !_bodyTakenWhole)
            {
                int room = SendUnit - upstream.PendingSend;
                if (room <= 0)
                {
                    return taken;
                }

                ReadOnlySpan<byte> piece = bytes[..Math.Min(bytes.Length, room)];
                int used = _request.Framing == BodyFraming.Length ? TakeCounted(piece, upstream) : TakeChunked(piece, upstream);
                taken += used;
                bytes = bytes[used..];
            }
        }

        return taken;
    }

    private int TakeCounted(ReadOnlySpan<byte> piece, UpstreamConnection upstream)
    {
        int count = (int)Math.Min(piece.Length, _bodyRemaining);
        Inspect(piece[..count], isLast: count == _bodyRemaining);
        Send(piece[..count], upstream);
        _uploadedBytes += count;
        _bodyRemaining -= count;
        _bodyTakenWhole = _bodyRemaining == 0;
        return count;
    }

    private int TakeChunked(ReadOnlySpan<byte> piece, UpstreamConnection upstream)
    {
        switch (_requestChunks.Next(piece, out int length))
        {
            case ChunkPart.Data:
                Inspect(piece[..length], isLast: false);
                Send(piece[..length], upstream);
                _uploadedBytes += length;
                if (_uploadedBytes > _snapshot.Limits.MaxBodyOf(_record!.PathClass))
                {
                    RefuseBody(RefusalReason.BodyTooLarge);
                }

                break;
            case ChunkPart.Framing:
                if (_requestChunks.IsDataOver)
                {
                    Inspect(default, isLast: true);
                }

                Send(piece[..length], upstream);
                break;
            case ChunkPart.Invalid:
                ForwardException.Throw(ForwardFailure.ClientBody, _requestChunks.Error.ToString());
                break;
        }

        _bodyTakenWhole = _requestChunks.IsComplete;
        return length;
    }

    private static void Send(ReadOnlySpan<byte> bytes, UpstreamConnection upstream)
    {
        bytes.CopyTo(upstream.GetSendMemory(bytes.Length).Span);
        upstream.AdvanceSend(bytes.Length);
    }
}
