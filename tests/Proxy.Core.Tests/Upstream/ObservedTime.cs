using Microsoft.Extensions.Time.Testing;

namespace Proxy.Core.Tests.Upstream;

/// <summary>Fake time that tells how many deadlines were set, so that a test can let them pass exactly then.</summary>
internal sealed class ObservedTime : FakeTimeProvider
{
    private int _timers;

    public int Timers => Volatile.Read(ref _timers);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = base.CreateTimer(callback, state, dueTime, period);
        Interlocked.Increment(ref _timers);
        return timer;
    }

    public Task UntilTimersAsync(int count) => Wire.UntilAsync(() => Timers >= count, $"{count} deadlines");
}
