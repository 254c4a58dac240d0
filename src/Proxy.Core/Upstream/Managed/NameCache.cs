using System.Net;

namespace Proxy.Core.Upstream.Managed;

/// <summary>
/// Addresses of names: one look-up of a name is under way at a time and everybody who asks meanwhile waits for it, answers are kept for a
/// set time (the
/// system's resolver does not tell theirs), failures shortly, so that a name that is gone is not asked for by every request. Thread-safe.
/// </summary>
/// <param name="resolve">All addresses of a name. Is not called off when those who wait give up: the answer is the next one's.</param>
/// <param name="lifetime">How long an answer is kept.</param>
internal sealed class NameCache(Func<string, CancellationToken, Task<IPAddress[]>> resolve, TimeSpan lifetime, TimeProvider time)
{
    private static readonly TimeSpan FailureLifetime = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();

    // As many as there are upstreams in the configuration.
    private readonly Dictionary<string, LookUp> _lookUps = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// The system's resolver. It blocks (getaddrinfo; the framework's asynchronous form blocks a thread of the pool on Linux, and asks for
    /// the same name
    /// once at a time), so each look-up has a thread of its own: with <see cref="NameCache"/> before it at most one a name.
    /// </summary>
    public static Task<IPAddress[]> AskSystemAsync(string host, CancellationToken cancellationToken) => Task.Factory.StartNew(
        static host => Dns.GetHostAddresses((string)host!),
        host,
        cancellationToken,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    /// <summary>All addresses of a name; none when it has none.</summary>
    /// <param name="cancellationToken">Ends the wait, not the look-up.</param>
    /// <exception cref="System.Net.Sockets.SocketException">It could not be resolved.</exception>
    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        LookUp? lookUp;
        lock (_gate)
        {
            if (!_lookUps.TryGetValue(host, out lookUp) || IsStale(lookUp))
            {
                lookUp = new LookUp();
                _lookUps[host] = lookUp;
                lookUp.Answer = AskAsync(lookUp, host);
            }
        }

        return lookUp.Answer.WaitAsync(cancellationToken);
    }

    private bool IsStale(LookUp lookUp)
    {
        if (!lookUp.Answer.IsCompleted)
        {
            return false;
        }

        bool isGood = lookUp.Answer is { IsCompletedSuccessfully: true, Result.Length: > 0 };
        return time.GetElapsedTime(lookUp.EndedAt) >= (isGood ? lifetime : FailureLifetime);
    }

    private async Task<IPAddress[]> AskAsync(LookUp lookUp, string host)
    {
        // Whatever the resolver does before it waits is done outside the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            return await resolve(host, CancellationToken.None);
        }
        finally
        {
            // Those who wait go on on the pool, not on the look-up's thread.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            lookUp.EndedAt = time.GetTimestamp();
        }
    }

    private sealed class LookUp
    {
        public Task<IPAddress[]> Answer { get; set; } = null!;

        /// <summary>Timestamp; written before <see cref="Answer"/> completes.</summary>
        public long EndedAt { get; set; }
    }
}
