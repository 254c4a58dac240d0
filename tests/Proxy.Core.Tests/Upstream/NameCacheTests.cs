using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>Look-ups under way are shared, answers and failures kept for their time.</summary>
public sealed class NameCacheTests
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private int _asked;

    [Fact]
    public async Task Two_hundred_cold_dials_with_a_slow_resolver_wait_for_one_look_up()
    {
        TaskCompletionSource<IPAddress[]> resolver = new();
        using LoopbackServer listener = new(backlog: 512);
        TcpDialer dialer = new(new TcpDialerOptions { Resolve = (_, _) => Ask(resolver.Task) });
        await using UpstreamPool pool = new(listener.Plain, dialer, new UpstreamPoolOptions(), TimeProvider.System);
        Task<UpstreamConnection>[] dials = [.. Enumerable.Range(0, 200).Select(_ => pool.DialAsync())];
        resolver.SetResult([IPAddress.Loopback]);
        foreach (UpstreamConnection connection in await Task.WhenAll(dials))
        {
            connection.Abort();
        }

        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task An_answer_is_kept_for_its_time()
    {
        NameCache names = new((_, _) => Ask(Task.FromResult<IPAddress[]>([IPAddress.Loopback])), Lifetime, _time);
        await AskAsync(names, "a.test");
        _time.Advance(Lifetime - TimeSpan.FromSeconds(1));
        await AskAsync(names, "A.test");
        Assert.Equal(1, _asked);
        await AskAsync(names, "b.test");
        Assert.Equal(2, _asked);
        _time.Advance(TimeSpan.FromSeconds(1));
        await AskAsync(names, "a.test");
        Assert.Equal(3, _asked);
    }

    [Fact]
    public async Task A_failure_is_kept_for_a_second()
    {
        NameCache names = new(
            (_, _) => Ask(Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound))), Lifetime, _time);
        for (int round = 1; round <= 2; round++)
        {
            await Assert.ThrowsAsync<SocketException>(() => AskAsync(names, "gone.test"));
            await Assert.ThrowsAsync<SocketException>(() => AskAsync(names, "gone.test"));
            Assert.Equal(round, _asked);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Who_gives_up_does_not_end_the_look_up_of_the_others()
    {
        TaskCompletionSource<IPAddress[]> resolver = new();
        NameCache names = new((_, _) => Ask(resolver.Task), Lifetime, _time);
        using CancellationTokenSource impatient = new();
        Task<IPAddress[]> first = names.ResolveAsync("a.test", impatient.Token);
        Task<IPAddress[]> second = names.ResolveAsync("a.test", TestContext.Current.CancellationToken);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        resolver.SetResult([IPAddress.Loopback]);
        Assert.Equal([IPAddress.Loopback], await second);
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task The_system_knows_this_machine()
    {
        NameCache names = new(NameCache.AskSystemAsync, Lifetime, _time);
        Assert.Contains(await names.ResolveAsync("localhost", TestContext.Current.CancellationToken), IPAddress.IsLoopback);
    }

    private static async Task AskAsync(NameCache names, string host) =>
        _ = await names.ResolveAsync(host, TestContext.Current.CancellationToken);

    private Task<IPAddress[]> Ask(Task<IPAddress[]> answer)
    {
        Interlocked.Increment(ref _asked);
        return answer;
    }
}
