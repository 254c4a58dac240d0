using System.Collections.Concurrent;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Upstream;

/// <summary>Dials that end when the test says so.</summary>
internal sealed class FakeDialer : UpstreamDialer
{
    private int _begun;

    /// <summary>Dials under way, in no order.</summary>
    public ConcurrentBag<TaskCompletionSource<UpstreamConnection>> Pending { get; } = [];

    public bool IsImmediate { get; init; }

    public int Begun => Volatile.Read(ref _begun);

    public override Task<UpstreamConnection> DialAsync(UpstreamEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (IsImmediate)
        {
            Interlocked.Increment(ref _begun);
            return Task.FromResult<UpstreamConnection>(new FakeConnection(endpoint));
        }

        TaskCompletionSource<UpstreamConnection> dial = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Pending.Add(dial);
        Interlocked.Increment(ref _begun);
        return dial.Task;
    }
}
