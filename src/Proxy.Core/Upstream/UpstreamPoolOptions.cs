namespace Proxy.Core.Upstream;

/// <summary>Immutable; defaults as design.md §8 and dotnet-notes A.5 argue.</summary>
public sealed record UpstreamPoolOptions
{
    /// <summary>An idle connection older than this is closed; below the 60 s at which load balancers usually close.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(50);

    /// <summary>A connection is not reused after this age, so that DNS changes are followed.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(10);

    public int MaxIdle { get; init; } = 1024;

    /// <summary>Handshakes under way at once: each costs milliseconds of CPU, and TLS 1.3 tickets are single use.</summary>
    public int MaxConcurrentDials { get; init; } = 32;

    /// <summary>How long a request waits for its turn to dial before it is refused: behind an upstream that does not answer, the queue would only grow.</summary>
    public TimeSpan DialQueueTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
