using Microsoft.AspNetCore.Connections.Features;
using Proxy.Core.Diagnostics;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>
/// What other threads may do to an exchange: the coarse clock expires deadlines, the transport reports that the client left or that the
/// server drains. All of it goes through <see cref="_gate"/>, so that an upstream connection is never cut after it went back to the pool.
/// </summary>
internal sealed partial class Exchange
{
    private readonly Lock _gate = new();
    private UpstreamConnection? _upstream;
    private CancellationTokenRegistration _closedRegistration;
    private CancellationTokenRegistration _drainRegistration;
    private volatile bool _clientGone;
    private volatile bool _draining;
    private volatile DeadlineKind _expired;
    private volatile DeadlineKind _deadlineKind;
    private volatile bool _uploadExpired;
    private bool _flushPending;
    private long _deadlineMs = long.MaxValue;
    private long _uploadDeadlineMs = long.MaxValue;

    /// <summary>Position in the clock's list; the clock's, under its lock.</summary>
    internal int ClockIndex { get; set; }

    /// <summary>Whether this connection ends with the answer under way: the server drains, or the transport asks for it.</summary>
    private bool IsLast => _draining || _gateway.IsDraining;

    /// <summary>Begins to listen to the clock and the transport. Called once, before <see cref="RunAsync"/>.</summary>
    public void Open()
    {
        _closedRegistration = _connection.ConnectionClosed.UnsafeRegister(static state => ((Exchange)state!).OnClientGone(), this);
        if (_connection.Features.Get<IConnectionLifetimeNotificationFeature>() is { } lifetime)
        {
            _drainRegistration = lifetime.ConnectionClosedRequested.UnsafeRegister(static state => ((Exchange)state!).OnDrain(), this);
        }

        _clock.Watch(this);
    }

    /// <summary>The counterpart of <see cref="Open"/>, called when <see cref="RunAsync"/> is over.</summary>
    public void Dispose()
    {
        _responseMeter.Dispose();
        _clock.Forget(this);
        _closedRegistration.Dispose();
        _drainRegistration.Dispose();
    }

    /// <summary>Ends the connection at once, from any thread.</summary>
    internal void Abort() => _connection.Abort();

    /// <summary>Called by the clock, on its thread. Never throws: that would end the process.</summary>
    internal void OnTick(long nowMs)
    {
        if (nowMs < Volatile.Read(ref _deadlineMs) && nowMs < Volatile.Read(ref _uploadDeadlineMs))
        {
            return;
        }

        try
        {
            Expire(nowMs);
        }
        catch (Exception fault)
        {
            ForwardLog.ConnectionBroken(_gateway.Logger, fault);
        }
    }

    private void Expire(long nowMs)
    {
        DeadlineKind kind = DeadlineKind.None;
        bool wakesReader = false;
        lock (_gate)
        {
            if (nowMs >= Volatile.Read(ref _deadlineMs))
            {
                Volatile.Write(ref _deadlineMs, long.MaxValue);
                kind = _deadlineKind;
                _expired = kind;
                if (kind is DeadlineKind.ResponseHead or DeadlineKind.ResponseBody or DeadlineKind.ClientRead)
                {
                    _upstream?.Abort();
                }
            }

            if (nowMs >= Volatile.Read(ref _uploadDeadlineMs))
            {
                Volatile.Write(ref _uploadDeadlineMs, long.MaxValue);
                _uploadExpired = true;
                wakesReader = true;

                // One of the two is what the upload waits for: the client's next bytes, or the upstream to take some.
                if (_upstream is { PendingSend: > 0 } upstream)
                {
                    upstream.Abort();
                }
            }
        }

        // Outside the lock: a pipe may run what waited for it here and now, to the end of the exchange, and that end waits for
        // OnClientGone when it is running, which waits for the lock.
        if (wakesReader || kind is DeadlineKind.KeepAlive or DeadlineKind.RequestHead or DeadlineKind.Linger)
        {
            _input.CancelPendingRead();
        }

        if (kind == DeadlineKind.ClientRead)
        {
            _connection.Abort();
        }
    }

    private void OnClientGone()
    {
        lock (_gate)
        {
            _clientGone = true;
            _upstream?.Abort();
        }
    }

    private void OnDrain()
    {
        _draining = true;

        // Wakes it where it waits between two requests; anywhere else the wake-up finds nothing to do.
        _input.CancelPendingRead();
    }

    private void BeginWaiting()
    {
        _expired = DeadlineKind.None;
        _uploadExpired = false;
        _flushPending = false;
        Arm(DeadlineKind.KeepAlive, _isFirstRequest ? _snapshot.Limits.FirstByteTimeout : _snapshot.Limits.KeepAliveTimeout);
    }

    /// <summary>Sets the deadline of what comes next, in place of any other. Cheap: two writes.</summary>
    private void Arm(DeadlineKind kind, TimeSpan timeout)
    {
        // In between there is no deadline, so that the clock cannot take the old time for the new kind.
        Volatile.Write(ref _deadlineMs, long.MaxValue);
        _deadlineKind = kind;
        Volatile.Write(ref _deadlineMs, _clock.NowMs + (timeout.Ticks / TimeSpan.TicksPerMillisecond));
    }

    private void Disarm() => Volatile.Write(ref _deadlineMs, long.MaxValue);

    private void ArmUpload() => Volatile.Write(ref _uploadDeadlineMs, _clock.NowMs + (_snapshot.Limits.RequestBodyTimeout.Ticks / TimeSpan.TicksPerMillisecond));

    private void DisarmUpload() => Volatile.Write(ref _uploadDeadlineMs, long.MaxValue);

    private DeadlineKind TakeExpired()
    {
        DeadlineKind expired = _expired;
        _expired = DeadlineKind.None;
        return expired;
    }

    private bool TakeUploadExpired()
    {
        bool expired = _uploadExpired;
        _uploadExpired = false;
        return expired;
    }

    /// <summary>From here on the connection is this exchange's, and others may cut it.</summary>
    private void Attach(UpstreamConnection upstream)
    {
        upstream.BeginRequest();
        lock (_gate)
        {
            if (!_clientGone)
            {
                _upstream = upstream;
                return;
            }
        }

        // Nothing was sent on it: somebody else can have it.
        _route!.Pool.Return(upstream);
        ForwardException.Throw(ForwardFailure.ClientGone);
    }

    private void AbortUpstream()
    {
        lock (_gate)
        {
            _upstream?.Abort();
        }
    }
}
