using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Proxy.Core.Diagnostics;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>
/// One client connection, and the corridor of its requests: open this file to learn what happens to a request, and follow the numbered
/// steps through the doors. One asynchronous method serves the connection; it awaits only pipes, the upstream connection and our own <see
/// cref="Signal"/>, and every step between two awaits is a synchronous method of the object that owns what the step needs. That keeps it
/// free of allocations: an async method per step would build a state machine each time it waits. Threads: the task that runs <see
/// cref="RunAsync"/> owns everything here. A request body that does not fit the first send goes up in the loop of
/// <see cref="Upload"/>, which then owns the input. The clock (<see cref="OnTick"/>) and the transport (client gone, drain) look in from
/// other threads; they touch nothing but <see cref="Deadlines"/>, <see cref="UpstreamLease"/> and the flag that says that the connection
/// drains.
/// </summary>
internal sealed class ClientConnection : IExpirable, IDisposable
{
    /// <summary>A response that keeps coming is handed to the transport at this size.</summary>
    private const int FlushThreshold = 64 * 1024;

    private readonly Gateway _gateway;
    private readonly ConnectionContext _connection;
    private readonly ClientOutput _output;
    private readonly Deadlines _deadlines;
    private readonly UpstreamLease _lease = new();
    private readonly RequestHeadReader _heads = new();
    private readonly Exchange _exchange;
    private readonly Upload _upload;
    private readonly Download _download;
    private readonly Intake _intake;
    private readonly Attempt _attempt;
    private readonly Linger _linger;
    private readonly TurnBudget _turn;
    private CancellationTokenRegistration _closedRegistration;
    private CancellationTokenRegistration _drainRegistration;
    private volatile bool _isDraining;
    private bool _isLast;

    public ClientConnection(Gateway gateway, ConnectionContext connection)
    {
        _gateway = gateway;
        _connection = connection;
        PipeReader input = connection.Transport.Input;
        _deadlines = new Deadlines(gateway.Clock);
        _output = new ClientOutput(connection.Transport.Output, _deadlines);
        _exchange = new Exchange(gateway);
        BodyInspector inspector = new(_exchange);
        _upload = new Upload(input, _deadlines, _lease, inspector, gateway.Clock);
        _download = new Download(_output, _deadlines, _exchange.Meter);
        _intake = new Intake(input, _heads, _exchange, inspector, _upload, _deadlines, _lease);
        _attempt = new Attempt(_exchange, _heads, inspector, _upload, _download, _output, _deadlines, _lease);
        _turn = new TurnBudget(gateway.Clock);
        _linger = new Linger(input, gateway.Clock, _deadlines, _lease, _turn, connection.Features.Get<IHalfClose>());
    }

    /// <inheritdoc/>
    public int ClockIndex { get; set; }

    private PipeReader Input => _connection.Transport.Input;

    /// <summary>The server drains, or the transport asks for the end.</summary>
    private bool IsDraining => _isDraining || _gateway.IsDraining;

    /// <summary>The response under way is the last of its connection.</summary>
    private bool EndsWithResponse => !_heads.Head.KeepAlive || IsDraining || _download.MustClose;

    /// <summary>Begins to listen to the clock and the transport. Called once, before <see cref="RunAsync"/>.</summary>
    public void Open()
    {
        _closedRegistration = _connection.ConnectionClosed.UnsafeRegister(
            static state => ((ClientConnection)state!)._lease.ClientGone(), this);
        if (_connection.Features.Get<IConnectionLifetimeNotificationFeature>() is { } lifetime)
        {
            _drainRegistration = lifetime.ConnectionClosedRequested.UnsafeRegister(
                static state => ((ClientConnection)state!).OnDrain(), this);
        }

        _gateway.Clock.Watch(this);
    }

    /// <summary>Serves the connection until it ends. Never throws for anything a peer does.</summary>
    public async Task RunAsync()
    {
        _deadlines.Begin(_gateway.Snapshot.Limits);
        _deadlines.Arm(DeadlineKind.FirstByte);
        try
        {
            await ServeAsync();
        }
        catch (IOException)
        {
            // The client reset the connection between two requests, or in the middle of a head.
        }
        finally
        {
            await EndAsync();
        }
    }

    /// <summary>The counterpart of <see cref="Open"/>, called when <see cref="RunAsync"/> is over.</summary>
    public void Dispose()
    {
        _exchange.Dispose();
        _gateway.Clock.Forget(this);
        _closedRegistration.Dispose();
        _drainRegistration.Dispose();
    }

    /// <summary>Ends the connection at once, from any thread.</summary>
    public void Abort() => _connection.Abort();

    /// <summary>Called by the clock, on its thread. Never throws: that would end the process.</summary>
    public void OnTick(long nowMs)
    {
        if (!_deadlines.IsDue(nowMs))
        {
            return;
        }

        try
        {
            (DeadlineKind main, DeadlineKind upload) = _lease.Expire(_deadlines, nowMs);

            // Outside the lease's lock: a pipe may run what waited for it here and now, to the end of the exchange, and that end waits for
            // the transport's notification when it is running, which waits for the lock.
            if (upload == DeadlineKind.RequestBody
                || main is DeadlineKind.FirstByte or DeadlineKind.KeepAlive or DeadlineKind.RequestHead or DeadlineKind.Linger)
            {
                Input.CancelPendingRead();
            }

            if (main == DeadlineKind.ClientRead)
            {
                _connection.Abort();
            }
        }
        catch (Exception fault)
        {
            ForwardLog.ConnectionBroken(_gateway.Logger, fault);
        }
    }

    private async Task ServeAsync()
    {
        do
        {
            // 1. Read the head.
            BeginRequest();
            Arrival arrival;
            while ((arrival = _intake.TakeHead(await Input.ReadAsync(), IsDraining)) == Arrival.Pending)
            {
                if (_turn.Spend(_intake.Received))
                {
                    await _turn.YieldAsync();
                }
            }

            if (arrival == Arrival.Over)
            {
                _ = await _linger.TryShutdownSendAsync();
                break;
            }

            // 2. Answer locally, 3. route, 4. identify, 5. choose the credential: RequestJudge, with the head.
            // 6. Admit. A key whose models are limited has the start of its body read before anything leaves.
            while (_intake.HoldsTooLittle())
            {
                _intake.HoldMore(await Input.ReadAsync());
                if (_turn.Spend(_intake.Received))
                {
                    await _turn.YieldAsync();
                }
            }

            _intake.Admit();
            while (_exchange.TryBeginAttempt())
            {
                Exception? fault = null;
                try
                {
                    // 7. Rent an upstream connection; after a stale one, a fresh one.
                    UpstreamConnection? upstream = null;
                    if (_exchange.Attempt > 1 || !_exchange.Pool.TryRent(out upstream))
                    {
                        upstream = await _exchange.Pool.DialAsync();
                    }

                    _attempt.Hold(upstream!);

                    // 8. Write the head; it leaves together with what is here of the body.
                    _attempt.WriteFirst(upstream!);
                    await upstream!.FlushAsync();

                    // 9. Relay both directions at once: the rest of the body goes up on its own ...
                    _attempt.StartUpload(upstream);

                    // ... while the response head, after any interim ones, comes down,
                    while (!_download.HasHead)
                    {
                        _ = await upstream.WaitReadableAsync();
                        _attempt.TakeHead(await upstream.ReadAsync(_download.HeadMemory()));
                        if (_output.Unflushed > 0)
                        {
                            EndFlush(await _output.FlushAsync());
                        }

                        if (_turn.Spend(0))
                        {
                            await _turn.YieldAsync();
                        }
                    }

                    _isLast = EndsWithResponse;
                    _attempt.RelayHead(_isLast, upstream);

                    // and then its body: decrypted into the client's output, scanned there (10. meter), and flushed exactly when the
                    // upstream has nothing more ready.
                    while (!_download.IsDone)
                    {
                        ValueTask<int> readable = upstream.WaitReadableAsync();
                        if (_output.Unflushed >= FlushThreshold || (_output.Unflushed > 0 && !readable.IsCompleted))
                        {
                            _attempt.TopUp();
                            EndFlush(await _output.FlushAsync());
                        }

                        _ = await readable;
                        Memory<byte> space = _output.GetMemory(Download.MinimumRead);
                        int count = await upstream.ReadAsync(space);
                        _download.TakeBody(space.Span, count);
                        if (_turn.Spend(count))
                        {
                            await _turn.YieldAsync();
                        }
                    }

                    if (_upload.IsRunning && _upload.HasEnded)
                    {
                        _ = await _upload.WaitAsync();
                        _upload.Ended();
                    }

                    _attempt.SettleEarly();
                    EndLastFlush(await _output.FlushAsync());
                }
                catch (Exception caught)
                {
                    fault = caught;
                }

                if (_upload.IsRunning)
                {
                    _upload.Stop();
                    _ = await _upload.WaitAsync();
                    _upload.Ended();
                }

                _attempt.End(fault);
            }

            // 11. Finish, on every path: answer if nobody has, settle and book, keep or close the connection.
            Ending ending = PrepareAnswer();
            if (_output.Unflushed > 0)
            {
                try
                {
                    NoteFlush(await _output.FlushAsync());
                }
                catch (Exception)
                {
                    _lease.ClientGone();
                }
            }

            _exchange.Book(_download.HasStarted);
            if (_turn.Spend(0))
            {
                // A client that pipelines, and reads its refusals, never has to wait: others are served in between.
                await _turn.YieldAsync();
            }

            if (ending.IsBodyLeft || (_isLast && ending.IsOrderly))
            {
                _isLast |= !await _linger.DiscardAsync(_upload, ending.IsBodyLeft, _isLast, _exchange.IsMalformed, _exchange.Limits);
            }
        }
        while (!_isLast);
    }

    private void BeginRequest()
    {
        bool isFirst = _deadlines.Armed == DeadlineKind.FirstByte;
        _exchange.Begin();
        _deadlines.Begin(_exchange.Limits);
        _deadlines.Arm(isFirst ? DeadlineKind.FirstByte : DeadlineKind.KeepAlive);
        _output.Begin();
        _intake.Begin();
        _download.Begin(_heads.Head, _exchange.Limits, record: null);
        _isLast = false;
    }

    private void EndFlush(in FlushResult flush)
    {
        NoteFlush(flush);
        if (_lease.IsClientGone)
        {
            ForwardException.Throw(ForwardFailure.ClientGone);
        }
    }

    /// <summary>
    /// A client that leaves when it has read its whole response is not one that left early: only a transport that no longer takes bytes is.
    /// </summary>
    private void EndLastFlush(in FlushResult flush)
    {
        NoteFlush(flush);
        if (flush.IsCompleted)
        {
            ForwardException.Throw(ForwardFailure.ClientGone);
        }
    }

    private void NoteFlush(in FlushResult flush)
    {
        if (!_output.TryEndFlush(flush))
        {
            _lease.ClientGone();
        }
    }

    /// <summary>
    /// Step 11: lets go of the request, writes the gateway's own answer when nobody else has answered, and decides whether the connection
    /// goes on.
    /// </summary>
    private Ending PrepareAnswer()
    {
        bool isStarted = _download.HasStarted;
        _deadlines.Disarm();
        _intake.End();
        _exchange.Settle(isStarted);
        if (_lease.IsClientGone || _exchange.HasNothingToSay || (isStarted && _exchange.Failure != ForwardFailure.None))
        {
            // Cut, visibly: the client's framing is never completed falsely.
            _isLast = true;
            return default;
        }

        bool hasHead = _heads.IsWhole && !_exchange.IsMalformed;
        _isLast |= IsDraining || _intake.EndsConnection || !hasHead || !_heads.Head.KeepAlive;
        bool isBodyLeft = hasHead && !_upload.IsComplete;
        if (isBodyLeft)
        {
            _isLast |= !CanDiscardBody();
        }

        if (!isStarted)
        {
            _exchange.WriteAnswer(_output, close: _isLast, headOnly: _heads.IsWhole && _heads.Head.Method == MethodId.Head);
        }

        return new Ending(isBodyLeft, IsOrderly: true);
    }

    /// <summary>
    /// A body that nobody wants must not become the next request (http-rules.md row 47): it is read and thrown away when it is small and
    /// sure to come, else the connection ends.
    /// </summary>
    private bool CanDiscardBody() =>
        !_heads.Head.ExpectsContinue
        && ForwardFailures.Describe(_upload.Result.Failure).LeavesBodyReadable
        && _heads.Head.Framing == BodyFraming.Length
        && _upload.Remaining <= _exchange.Limits.MaxDiscardedBody;

    /// <summary>
    /// The connection ends: lets the upload loop go, and resets where a quiet end would look like a complete body. After a fault that
    /// nobody foresaw, what the exchange still holds is released and booked here.
    /// </summary>
    private async Task EndAsync()
    {
        _deadlines.Disarm();
        if (_upload.IsRunning)
        {
            _upload.Stop();
            _ = await _upload.WaitAsync();
            _upload.Ended();
        }

        if (_lease.Release() is { } upstream)
        {
            upstream.Abort();
            upstream.EndRequest();
        }

        _exchange.Abandon(_download.HasStarted);
        _upload.Held.Release();
        await _upload.CloseAsync();
        WipeInput();
        if (_exchange.Failure != ForwardFailure.None && _download.EndsWithConnection)
        {
            _connection.Abort();
        }
    }

    /// <summary>What was received and will not be read: pipelined requests behind the last answer, a head that a reset cut off.</summary>
    private void WipeInput()
    {
        _heads.WipePartial();
        _heads.Release();
        try
        {
            while (Input.TryRead(out ReadResult read))
            {
                RequestHeadReader.Wipe(read.Buffer);
                Input.AdvanceTo(read.Buffer.End);
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

    private void OnDrain()
    {
        _isDraining = true;

        // Wakes it where it waits between two requests; anywhere else the wake-up finds nothing to do.
        Input.CancelPendingRead();
    }

    /// <summary>How the connection goes on behind an answer.</summary>
    /// <param name="IsBodyLeft">The request's body is not wholly read.</param>
    /// <param name="IsOrderly">The client has been told all, and is to be let go in order.</param>
    private readonly record struct Ending(bool IsBodyLeft, bool IsOrderly);
}
