using System.Buffers;
using System.IO.Pipelines;
using Proxy.Core.Diagnostics;
using Proxy.Core.Forwarding.Answers;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>Step 11, and the ways into it: every exchange passes here, so nothing it holds is ever leaked.</summary>
internal sealed partial class Exchange
{
    /// <summary>How long the sender of a malformed head may pause where only the close tells it that no more will come; most have sent all of it already.</summary>
    private static readonly TimeSpan HeadLinger = TimeSpan.FromMilliseconds(500);

    private bool _restOfBody;
    private bool _endsInOrder;
    private bool _mayRetry;

    /// <summary>The one catch of an exchange: says which party failed at which stage. What expired or left first explains the rest.</summary>
    private void Fail(Exception fault)
    {
        _failure = _expired switch
        {
            DeadlineKind.ClientRead => ForwardFailure.ClientNotReading,
            _ when _clientGone => ForwardFailure.ClientGone,
            DeadlineKind.ResponseHead => ForwardFailure.UpstreamHeadTimeout,
            DeadlineKind.ResponseBody => ForwardFailure.UpstreamSilent,
            _ => FailureOf(fault),
        };
        if (_failure == ForwardFailure.Internal)
        {
            ForwardLog.Broken(_gateway.Logger, _id, fault);
        }
        else if (ForwardFailures.Describe(_failure).IsLogged)
        {
            ForwardLog.Failed(_gateway.Logger, _id, _route!.Name, _failure, fault.Message);
        }
    }

    private ForwardFailure FailureOf(Exception fault)
    {
        if (_uploadFailure != ForwardFailure.None)
        {
            return _uploadFailure;
        }

        bool transport = UpstreamConnection.IsTransportFault(fault);
        return fault switch
        {
            ForwardException forward => forward.Failure,
            UpstreamException upstream => upstream.Failure,
            _ when _writingToClient => ForwardFailure.ClientGone,
            _ when !transport => ForwardFailure.Internal,
            _ when _finalHead => ForwardFailure.UpstreamBody,
            _ when _responseBytesSeen > 0 => ForwardFailure.UpstreamHead,
            _ when _requestSent || _uploadStarted => ForwardFailure.UpstreamClosed,
            _ => ForwardFailure.UpstreamSend,
        };
    }

    /// <summary>Gives the upstream connection back, or cuts it: any doubt cuts (http-rules.md §1.4).</summary>
    private void ReleaseUpstream()
    {
        UpstreamConnection? upstream;
        lock (_gate)
        {
            upstream = _upstream;
            _upstream = null;
        }

        Disarm();
        ReleaseHeadBuffer();
        if (upstream is null)
        {
            return;
        }

        bool clean = _failure == ForwardFailure.None
            && _requestSent
            && _responseDone
            && !_surplus
            && _response.KeepAlive
            && _response.Framing != BodyFraming.UntilClose;
        _mayRetry = ForwardFailures.Describe(_failure).MayRetry
            && RetryPolicy.MayRetry(upstream.IsReused, upstream.BytesSent, _responseBytesSeen, isReplayable: !_headReleased, _request.Method, _attempt);
        if (clean)
        {
            _route!.Pool.Return(upstream);
            return;
        }

        upstream.Abort();
        upstream.EndRequest();
    }

    /// <summary>True when the request is to be sent once more (http-rules.md row 57); state of the failed attempt is forgotten.</summary>
    private bool TakeRetry()
    {
        if (!_mayRetry)
        {
            return false;
        }

        _mayRetry = false;
        _failure = ForwardFailure.None;
        BeginResponse();
        BeginBody();
        return true;
    }

    /// <summary>The input is still held for a possible retry: the answer has come, let it go.</summary>
    private void ReleaseHeadWhenUnread(in ReadOnlySequence<byte> buffer)
    {
        if (_requestSent && !_uploadStarted)
        {
            ReleaseHead(buffer);
        }
    }

    /// <summary>Writes the gateway's own answer when nobody else has answered, and decides whether the connection goes on.</summary>
    private void PrepareAnswer()
    {
        Disarm();
        if (_failure != ForwardFailure.None && _verdict == Verdict.Forward && !_responseStarted)
        {
            // A refusal that the upload found out (413 while counting) is more exact than its stage.
            Refuse(_refusal.Status != 0 ? _refusal : ForwardFailures.Describe(_failure).Answer);
        }

        _restOfBody = false;
        _endsInOrder = false;
        if (_clientGone || (_failure != ForwardFailure.None && (_responseStarted || _refusal.Status == 0)))
        {
            // Cut, visibly: the client's framing is never completed falsely.
            _closeAfter = true;
            return;
        }

        _endsInOrder = true;
        _closeAfter |= IsLast || (_headTaken && _failure != ForwardFailure.ClientHead && !_request.KeepAlive);
        DecideOnRestOfBody();
        if (_responseStarted)
        {
            return;
        }

        AnswerContext context = new()
        {
            Id = _id,
            Date = _clock.Date,
            Close = _closeAfter,
            HeadOnly = _headTaken && _request.Method == MethodId.Head,
        };
        Span<byte> destination = _output.GetSpan(LocalAnswers.MaxLength);
        int written = _verdict switch
        {
            Verdict.AnswerHealth => LocalAnswers.WriteHealth(destination, readiness: false, ledgerConnected: true, context),
            Verdict.AnswerReadiness => LocalAnswers.WriteHealth(destination, readiness: true, _gateway.Health.LedgerConnected, context),
            Verdict.AnswerEmpty => LocalAnswers.WriteEmpty(destination, context),
            _ => LocalAnswers.WriteRefusal(destination, _refusal, context),
        };
        _output.Advance(written);
        _unflushed += written;
        if (_record is not null)
        {
            _record.Status = _refusal.Status;
        }

        if (_verdict == Verdict.Refuse)
        {
            ForwardLog.Refused(_gateway.Logger, _id, _refusal.Status, _refusal.Message);
        }
    }

    /// <summary>
    /// A body that nobody wanted must not become the next request (http-rules.md row 47): it is read and thrown away when it is small and
    /// sure to come, else the connection ends.
    /// </summary>
    private void DecideOnRestOfBody()
    {
        if (!_headTaken || _failure == ForwardFailure.ClientHead)
        {
            // No framing to follow.
            return;
        }

        if (!_bodyBegun)
        {
            RestartBody();
        }

        if (_bodyTakenWhole)
        {
            return;
        }

        bool sure = !_request.ExpectsContinue && ForwardFailures.Describe(_uploadFailure).LeavesBodyReadable;
        bool small = _request.Framing == BodyFraming.Length && _bodyRemaining <= _snapshot.Limits.MaxDiscardedBody;
        _closeAfter |= !sure || !small;
        _restOfBody = true;
    }

    /// <summary>Closes the record and hands it to the ledger.</summary>
    private void Book()
    {
        SpendRecord? record = _record;
        if (record is null)
        {
            return;
        }

        _record = null;
        _requestMeter.End();
        record.RequestBodyBytes = _uploadedBytes;
        record.DurationUs = (long)_gateway.Time.GetElapsedTime(_startedAt).TotalMicroseconds;
        record.Failure = _failure;
        record.EndReason = EndOf(record);
        if (_metering)
        {
            _responseMeter.End(_failure == ForwardFailure.None);
        }

        Settle(record);
        _gateway.Spend.Complete(record);
    }

    private EndReason EndOf(SpendRecord record) => record.Refusal != RefusalReason.None
        ? EndReason.Refused
        : ForwardFailures.EndOf(_failure, _responseStarted);

    /// <summary>
    /// Reads and throws away what nobody will serve: the rest of an unwanted body, so that it is never taken for the next request, and behind the last
    /// answer whatever comes until the client ends too, so that the answer is not lost to a reset (RFC 9112 §9.6). Bounded in time. Off the hot path,
    /// so an async method of its own.
    /// </summary>
    private async Task DiscardAsync()
    {
        // A client that waits for the end need not wait for ours.
        bool halfClosed = _closeAfter && await TryEndOutputAsync();
        bool malformed = _failure == ForwardFailure.ClientHead;
        if (!_restOfBody && !halfClosed && !malformed)
        {
            return;
        }

        TimeSpan pause = halfClosed || !malformed ? _snapshot.Limits.LingerTimeout : HeadLinger;
        long until = _clock.NowMs + (long)_snapshot.Limits.LongestLinger.TotalMilliseconds;
        bool ended = false;
        while (!ended && !_clientGone)
        {
            Arm(DeadlineKind.Linger, pause);
            ReadResult read = await _input.ReadAsync();
            long taken = read.Buffer.Length;
            if (_restOfBody && !halfClosed)
            {
                ended = TakeUnwanted(read.Buffer, out taken);
            }

            Wipe(read.Buffer.Slice(0, taken));
            _input.AdvanceTo(read.Buffer.GetPosition(taken));
            if (!ended && (read.IsCompleted || TakeExpired() == DeadlineKind.Linger || _clock.NowMs >= until))
            {
                _closeAfter = true;
                break;
            }
        }

        _closeAfter |= _clientGone;
        Disarm();
    }

    /// <summary>Says that no more will come, where that can be said while the client is still read.</summary>
    private async ValueTask<bool> TryEndOutputAsync()
    {
        if (_halfClosing is null || _clientGone)
        {
            return false;
        }

        Arm(DeadlineKind.ClientRead, _snapshot.Limits.ClientReadTimeout);
        bool ended = await _halfClosing.TryEndOutputAsync();
        Disarm();
        return ended;
    }

    /// <summary>Follows the framing of a body that nobody wants.</summary>
    /// <returns>True at its end, and where its framing breaks.</returns>
    private bool TakeUnwanted(in ReadOnlySequence<byte> buffer, out long taken)
    {
        if (_request.Framing == BodyFraming.Length)
        {
            taken = Math.Min(buffer.Length, _bodyRemaining);
            _bodyRemaining -= taken;
            return _bodyRemaining == 0;
        }

        taken = 0;
        foreach (ReadOnlyMemory<byte> segment in buffer)
        {
            ReadOnlySpan<byte> bytes = segment.Span;
            while (!bytes.IsEmpty)
            {
                if (_requestChunks.Next(bytes, out int length) == ChunkPart.Invalid)
                {
                    return true;
                }

                bytes = bytes[length..];
                taken += length;
                if (_requestChunks.IsComplete)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>
    /// The connection ends: lets the upload loop go, and resets where a quiet end would look like a complete body. After a fault that nobody
    /// foresaw, what the exchange still holds is released and booked here.
    /// </summary>
    private async Task EndAsync()
    {
        Disarm();
        if (_record is not null)
        {
            _failure = ForwardFailure.Internal;
            ReleaseUpstream();
            Book();
        }

        if (_uploadLoop is not null)
        {
            _uploadBegins.Set(false);
            await _uploadLoop;
        }

        WipeInput();

        if (_failure != ForwardFailure.None && _responseStarted && _framingToClient == BodyFraming.UntilClose)
        {
            _connection.Abort();
        }
    }

    /// <summary>What was received and will not be read: pipelined requests behind the last answer, a head that a reset cut off.</summary>
    private void WipeInput()
    {
        Wipe(_partialHead);
        _partialHead = default;
        try
        {
            while (_input.TryRead(out ReadResult read))
            {
                Wipe(read.Buffer);
                _input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException)
        {
            // Reset: the transport keeps nothing that was not seen. Or a fault of ours left a read open, and the connection is cut.
        }
    }
}
