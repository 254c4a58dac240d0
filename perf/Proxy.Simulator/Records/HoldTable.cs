using System.Collections.Concurrent;

namespace Proxy.Simulator.Records;

/// <summary>Named gates at which answers wait. Wait and release may come in either order.</summary>
internal sealed class HoldTable
{
    private readonly ConcurrentDictionary<string, Gate> _gates = new(StringComparer.Ordinal);

    public async Task WaitAsync(string name, CancellationToken cancellationToken)
    {
        Gate gate = _gates.GetOrAdd(name, static _ => new Gate());
        gate.Reached.TrySetResult();
        await gate.Released.Task.WaitAsync(cancellationToken);
    }

    public Task WhenReachedAsync(string name, CancellationToken cancellationToken) =>
        _gates.GetOrAdd(name, static _ => new Gate()).Reached.Task.WaitAsync(cancellationToken);

    public void Release(string name) => _gates.GetOrAdd(name, static _ => new Gate()).Released.TrySetResult();

    public void Clear()
    {
        foreach (Gate gate in _gates.Values)
        {
            gate.Released.TrySetResult();
        }

        _gates.Clear();
    }

    private sealed class Gate
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
