using System.Threading.Tasks.Sources;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Wakes one waiter once per use: the only thing, besides pipes and connections, that the hot path awaits. Reused without allocation.
/// Exactly one <see cref="Set"/> and one await per round; the waiter makes it ready for the next round by awaiting.
/// </summary>
internal sealed class Signal : IValueTaskSource<bool>
{
    private ManualResetValueTaskSourceCore<bool> _core;

    /// <summary>Completes when the partner calls <see cref="Set"/>, before or after.</summary>
    public ValueTask<bool> WaitAsync() => new(this, _core.Version);

    /// <summary>Runs the waiter on this thread when it already waits.</summary>
    public void Set(bool value) => _core.SetResult(value);

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        bool value = _core.GetResult(token);
        _core.Reset();
        return value;
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
