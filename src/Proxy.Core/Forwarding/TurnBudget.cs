using System.Threading.Tasks.Sources;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Bounds the work of one turn of a loop that a peer can keep fed. Where completions run inline, a loop that always finds its next bytes
/// ready never gives the thread back that also serves the sockets of others, and accepts new ones. That an await was pending proves
/// nothing: the transport's own receive loop may have resumed it without ever leaving the thread. So work is counted, waits are not; what
/// is spent slowly is forgiven with each tick of the clock. One for each flow of a connection (the connection's own, and its upload's): one
/// yield outstanding. Allocates nothing.
/// </summary>
internal sealed class TurnBudget(IDeadlineClock clock) : IValueTaskSource, IThreadPoolWorkItem
{
    /// <summary>Units of a turn: some 64 small steps, or 256 KiB; about a millisecond.</summary>
    public const int Quota = 64;

    /// <summary>Bytes that cost as much as a step.</summary>
    private const int BytesPerUnit = 4096;

    private Action<object?>? _continuation;
    private object? _state;
    private long _tick = -1;
    private long _left = Quota;
    private short _version;
    private volatile bool _isOver;

    /// <summary>
    /// Counts one step: a request, a piece of a body, an interim head. True when the turn is over and the loop has to await <see
    /// cref="YieldAsync"/>.
    /// </summary>
    /// <param name="bytes">What the step looked at or moved; 0 or more.</param>
    public bool Spend(long bytes)
    {
        long tick = clock.NowMs;
        if (tick != _tick)
        {
            _tick = tick;
            _left = Quota;
        }

        _left -= 1 + (bytes / BytesPerUnit);
        return _left <= 0;
    }

    /// <summary>
    /// Goes on as a new turn, behind whatever waits in the queue of the thread pool. Never completes at once. Awaited once, right away.
    /// </summary>
    public ValueTask YieldAsync()
    {
        _left = Quota;
        _isOver = false;
        return new ValueTask(this, ++_version);
    }

    void IThreadPoolWorkItem.Execute()
    {
        Action<object?> continuation = _continuation!;
        object? state = _state;
        _continuation = null;
        _state = null;
        _isOver = true;
        continuation(state);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token)
    {
        Check(token);
        return _isOver ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    /// <summary>The data path has no context to go back to, and the state machine that waits brings its own execution context.</summary>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Check(token);
        _state = state;
        _continuation = continuation;

        // Global: behind the queued work of everybody, and not next on this thread.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IValueTaskSource.GetResult(short token)
    {
        Check(token);
        if (!_isOver)
        {
            throw new InvalidOperationException("A turn that is not over has no result.");
        }
    }

    private void Check(short token)
    {
        if (token != _version)
        {
            throw new InvalidOperationException("A yield is awaited once.");
        }
    }
}
