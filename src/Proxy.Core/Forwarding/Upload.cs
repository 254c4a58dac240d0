using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>How an upload ended.</summary>
/// <param name="Bytes">Data bytes that were taken from the client.</param>
/// <param name="Failure">None where it ended well, or was stopped because the exchange was over.</param>
internal readonly record struct UploadResult(long Bytes, ForwardFailure Failure)
{
    /// <summary>The rule that the body broke, which is more exact than the failure's stage.</summary>
    public RefusalReason Refusal { get; init; }

    /// <summary>What the client is told of it; status 0 when the failure says all.</summary>
    public Answer Answer { get; init; }
}

/// <summary>
/// Step 9, upwards: the request body, from the client's input to the upstream's send buffer. What is here when the head has been judged
/// leaves with the head. The rest goes up in a loop of its own, started once per connection and woken for each request that needs it, so
/// that an upstream may answer while it comes. Owner: the connection's task. From <see cref="StartRest"/> until <see cref="WaitAsync"/> is
/// over the loop owns this object, the input, the inspector with the exchange's reservation, the upload lane of the deadlines, and the
/// sending half of the upstream connection; the other side then calls nothing but <see cref="Stop"/>, <see cref="Invited"/> and <see
/// cref="HasEnded"/>.
/// </summary>
internal sealed class Upload(PipeReader input, Deadlines deadlines, UpstreamLease lease, BodyInspector inspector, IDeadlineClock clock)
{
    /// <summary>A request body leaves in pieces of up to this size: fewer TLS records, fewer sends.</summary>
    private const int SendUnit = UpstreamConnection.MaxSendHint;

    private readonly Signal _begins = new();
    private readonly Signal _ended = new();
    private readonly HeldBody _held = new(input);
    private readonly TurnBudget _turn = new(clock);
    private Task? _loop;
    private UpstreamConnection? _upstream;
    private BodyPlan _plan;
    private long _waitedMs;
    private BodyReader _body;
    private UploadResult _result;
    private volatile bool _isInvited;
    private int _state;

    private enum UploadState
    {
        /// <summary>The connection's task has it; nothing is under way.</summary>
        Idle = 0,
        Running,

        /// <summary>The whole body is in the send buffer or beyond.</summary>
        Taken,

        /// <summary>The whole request is with the operating system.</summary>
        Sent,
        Failed,

        /// <summary>The exchange was over before the body was.</summary>
        Stopped,
    }

    public HeldBody Held => _held;

    /// <summary>How it went; only when nothing runs any more.</summary>
    public UploadResult Result => _result with { Bytes = _body.DataLength };

    /// <summary>The loop was started for this request, and <see cref="WaitAsync"/> has not ended.</summary>
    public bool IsRunning => _upstream is not null;

    /// <summary>
    /// The loop has nothing more to do: <see cref="WaitAsync"/> completes at once, or all but at once. From the other side, too.
    /// </summary>
    public bool HasEnded => State is not (UploadState.Running or UploadState.Taken);

    /// <summary>The first bytes are on their way.</summary>
    public bool HasStarted => State != UploadState.Idle;

    /// <summary>The whole request is with the operating system.</summary>
    public bool IsSent => State == UploadState.Sent;

    /// <summary>Everything that was taken of the body is still here to be sent again.</summary>
    public bool IsReplayable => _held.IsHolding || _plan.Framing == BodyFraming.None;

    /// <summary>The whole body was taken from the input.</summary>
    public bool IsComplete => _body.IsComplete;

    /// <summary>Data bytes of the body, as far as anyone can tell.</summary>
    public long KnownLength => _plan.Framing == BodyFraming.Length ? _plan.Length : Math.Max(_body.DataLength, _held.DataLength);

    /// <summary>Bytes that are still to be taken, where a Content-Length tells; -1 where only the end of the body does.</summary>
    public long Remaining => _plan.Framing == BodyFraming.Chunked ? -1 : _body.Remaining;

    private UploadState State => (UploadState)Volatile.Read(ref _state);

    /// <summary>A new request: its body is still in the input, all of it.</summary>
    public void Begin(RequestHead request, GatewayLimits limits)
    {
        _plan = new BodyPlan(request.Framing, request.ContentLength, request.ExpectsContinue, limits, limits.MaxRequestBody);
        _result = default;
        _isInvited = false;
        Restart();
        _held.Begin(_body);
    }

    /// <summary>The body may not be longer than this; told of a length that the head does not give.</summary>
    public void Limit(long maxLength) => _plan = _plan with { MaxLength = maxLength };

    /// <summary>
    /// Step 8, behind the head: as much as fits of what is held goes into the send buffer. Repeatable as long as it is held.
    /// </summary>
    public void WriteHeld(UpstreamConnection upstream)
    {
        Restart();
        _held.Taken = Take(_held.Bytes, upstream);
    }

    /// <summary>
    /// The first bytes are on their way: sends the rest, or keeps what is held while the request may have to be sent again (http-rules.md
    /// row 57).
    /// </summary>
    public void StartRest(UpstreamConnection upstream)
    {
        _held.Release();
        if (_body.IsComplete)
        {
            upstream.EndRequest();
            Volatile.Write(ref _state, (int)UploadState.Sent);
            deadlines.Arm(DeadlineKind.ResponseHead);
            return;
        }

        _upstream = upstream;
        Volatile.Write(ref _state, (int)UploadState.Running);
        _loop ??= RunAsync();
        _begins.Set(true);
    }

    /// <summary>The upstream asks for the body (100 Continue): from here on it is the client that is waited for.</summary>
    public void Invited() => _isInvited = true;

    /// <summary>The exchange is over while its body still comes: ends the loop wherever it waits.</summary>
    public void Stop()
    {
        if (State == UploadState.Taken && _upstream!.PendingSend == 0)
        {
            // Its last step.
            return;
        }

        if (TryMove(UploadState.Running, UploadState.Stopped) || TryMove(UploadState.Taken, UploadState.Stopped))
        {
            lease.Abort();
            input.CancelPendingRead();
        }
    }

    /// <summary>Completes when the loop is done with this request; then everything is the connection's again.</summary>
    public ValueTask<bool> WaitAsync() => _ended.WaitAsync();

    /// <summary>The counterpart of <see cref="StartRest"/>, behind <see cref="WaitAsync"/>.</summary>
    public void Ended()
    {
        _upstream = null;
        deadlines.DisarmUpload();
    }

    /// <summary>Follows the framing of a body that nobody wants (http-rules.md row 47).</summary>
    /// <returns>True at its end, and where its framing breaks.</returns>
    public bool Discard(in ReadOnlySequence<byte> buffer, out long taken)
    {
        taken = 0;
        foreach (ReadOnlyMemory<byte> segment in buffer)
        {
            ReadOnlySpan<byte> bytes = segment.Span;
            while (_body.Next(bytes, out int length) is BodyPart.Data or BodyPart.Framing or BodyPart.Discard)
            {
                bytes = bytes[length..];
                taken += length;
            }
        }

        return _body.IsComplete || _body.Error != ChunkError.None;
    }

    /// <summary>The connection ends: lets the loop go.</summary>
    public Task CloseAsync()
    {
        if (_loop is null)
        {
            return Task.CompletedTask;
        }

        _begins.Set(false);
        return _loop;
    }

    private void Restart()
    {
        _body = new BodyReader(_plan.Framing, _plan.Length, _plan.Limits.Chunks);
        _waitedMs = 0;
        Volatile.Write(ref _state, (int)UploadState.Idle);
    }

    private async Task RunAsync()
    {
        while (await _begins.WaitAsync())
        {
            UpstreamConnection upstream = _upstream!;
            try
            {
                while (!_body.IsComplete && State == UploadState.Running)
                {
                    deadlines.ArmUpload(DeadlineKind.RequestBody);
                    long began = clock.NowMs;
                    ReadResult read = await input.ReadAsync();
                    TakeRead(read, upstream);
                    JudgeRate(clock.NowMs - began);
                    int pending = upstream.PendingSend;
                    if (pending > 0)
                    {
                        await upstream.FlushAsync();
                    }

                    if (_turn.Spend(pending))
                    {
                        await _turn.YieldAsync();
                    }
                }

                Finish(upstream);
            }
            catch (Exception fault)
            {
                Fail(fault);
            }

            _ended.Set(true);
        }
    }

    private void TakeRead(in ReadResult read, UpstreamConnection upstream)
    {
        int taken = 0;
        try
        {
            taken = Take(read.Buffer, upstream);
        }
        finally
        {
            input.AdvanceTo(read.Buffer.GetPosition(taken));
        }

        if (_body.IsComplete)
        {
            _ = TryMove(UploadState.Running, UploadState.Taken);
            return;
        }

        if (read.IsCompleted && taken == read.Buffer.Length)
        {
            // Cut by the client: never sent as complete (http-rules.md row 46).
            ForwardException.Throw(ForwardFailure.ClientGone);
        }

        if (read.IsCanceled && deadlines.UploadExpired == DeadlineKind.RequestBody)
        {
            // A client that waits for 100 (Continue), and has sent nothing, waits for the upstream.
            bool waitsForUpstream = _plan.ExpectsContinue && !_isInvited && _body.DataLength == 0;
            ForwardException.Throw(waitsForUpstream ? ForwardFailure.UpstreamHeadTimeout : ForwardFailure.ClientBodyTimeout);
        }
    }

    /// <summary>
    /// A body that drips holds a connection of the upstream, and its place, for as long as its client likes: it keeps a rate, or is cut.
    /// </summary>
    /// <param name="waitedMs">For the client's next bytes.</param>
    private void JudgeRate(long waitedMs)
    {
        if (_body.DataLength == 0 || _body.IsComplete)
        {
            // Nothing has begun to come: the client may wait for the upstream's word.
            return;
        }

        _waitedMs += waitedMs;
        GatewayLimits limits = _plan.Limits;
        if (limits.MinRequestBytesPerSecond > 0
            && _waitedMs >= limits.RequestBodyTimeout.TotalMilliseconds
            && !limits.IsSteady(_body.DataLength, _waitedMs))
        {
            ForwardException.Throw(ForwardFailure.ClientBodyTimeout);
        }
    }

    /// <summary>
    /// Copies body bytes into the upstream's send buffer, framing validated and rules judged on the way, until it is full or the body ends.
    /// </summary>
    /// <returns>Bytes of the buffer that were used.</returns>
    private int Take(in ReadOnlySequence<byte> buffer, UpstreamConnection upstream)
    {
        int taken = 0;
        foreach (ReadOnlyMemory<byte> segment in buffer)
        {
            ReadOnlySpan<byte> bytes = segment.Span;
            while (!bytes.IsEmpty && !_body.IsComplete)
            {
                int room = SendUnit - upstream.PendingSend;
                if (room <= 0)
                {
                    return taken;
                }

                BodyPart part = _body.Next(bytes[..Math.Min(bytes.Length, room)], out int length);
                ReadOnlySpan<byte> run = bytes[..length];
                switch (part)
                {
                    case BodyPart.Data:
                        inspector.Show(run, _body.DataLength - length);
                        Judge();
                        Send(run, upstream);
                        break;
                    case BodyPart.Framing:
                        Judge();
                        Send(run, upstream);
                        break;
                    case BodyPart.Invalid:
                        ForwardException.Throw(ForwardFailure.ClientBody, _body.Error.ToString());
                        break;
                }

                taken += length;
                bytes = bytes[length..];
            }
        }

        return taken;
    }

    private void Judge()
    {
        if (!inspector.TryJudge(_body.IsDataOver, out RefusalReason reason, out Answer answer))
        {
            Refuse(reason, answer);
        }

        if (_body.DataLength > _plan.MaxLength)
        {
            Refuse(RefusalReason.BodyTooLarge, Refusals.Describe(RefusalReason.BodyTooLarge));
        }
    }

    /// <summary>Ends an upload whose body breaks a rule: the upstream connection is cut, the answer says why.</summary>
    private void Refuse(RefusalReason reason, in Answer answer)
    {
        _result = new UploadResult(0, ForwardFailure.ClientBody) { Refusal = reason, Answer = answer };
        ForwardException.Throw(ForwardFailure.ClientBody);
    }

    private static void Send(ReadOnlySpan<byte> bytes, UpstreamConnection upstream)
    {
        bytes.CopyTo(upstream.GetSendMemory(bytes.Length).Span);
        upstream.AdvanceSend(bytes.Length);
    }

    private void Finish(UpstreamConnection upstream)
    {
        if (TryMove(UploadState.Taken, UploadState.Sent))
        {
            upstream.EndRequest();
            deadlines.ArmUpload(DeadlineKind.ResponseHead);
        }
    }

    private void Fail(Exception fault)
    {
        ForwardFailure failure = fault switch
        {
            ForwardException forward => forward.Failure,
            ConnectionResetException or ConnectionAbortedException => ForwardFailure.ClientGone,
            _ when UpstreamConnection.IsTransportFault(fault) =>
                deadlines.UploadExpired == DeadlineKind.RequestBody ? ForwardFailure.UpstreamHeadTimeout : ForwardFailure.UpstreamSend,
            _ => ForwardFailure.Internal,
        };
        if (!TryMove(UploadState.Running, UploadState.Failed) && !TryMove(UploadState.Taken, UploadState.Failed))
        {
            // Stopped: that it fails was the aim.
            _result = default;
            return;
        }

        _result = _result with { Failure = failure };
        if (failure == ForwardFailure.UpstreamSend)
        {
            // An upstream that stopped taking the body may have answered: that answer is still read.
            deadlines.ArmUpload(DeadlineKind.ResponseHead);
        }
        else
        {
            deadlines.DisarmUpload();
            lease.Abort();
        }
    }

    private bool TryMove(UploadState from, UploadState to) => Interlocked.CompareExchange(ref _state, (int)to, (int)from) == (int)from;

    /// <summary>What the head says of the body, and what is allowed.</summary>
    private readonly record struct BodyPlan(BodyFraming Framing, long Length, bool ExpectsContinue, GatewayLimits Limits, long MaxLength);
}
