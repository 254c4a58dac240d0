using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Upstream;

/// <summary>Which connection is handed out, and how long one is kept.</summary>
public sealed class PoolTests
{
    private static readonly UpstreamEndpoint Endpoint = new("upstream.test", 443, useTls: true);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task The_newest_connection_is_handed_out_first()
    {
        await using UpstreamPool pool = Pool();
        FakeConnection[] connections = await FillAsync(pool, 3);
        Assert.Equal(3, pool.IdleCount);
        Assert.Same(connections[2], Rent(pool));
        Assert.Same(connections[1], Rent(pool));
        pool.Return(connections[2]);
        Assert.Same(connections[2], Rent(pool));
        Assert.Same(connections[0], Rent(pool));
        Assert.False(pool.TryRent(out _));
        Assert.Equal(0, pool.IdleCount);
    }

    [Fact]
    public async Task Only_a_rented_connection_counts_as_reused()
    {
        await using UpstreamPool pool = Pool();
        UpstreamConnection connection = await pool.DialAsync();
        Assert.False(connection.IsReused);
        pool.Return(connection);
        Assert.True(Rent(pool).IsReused);
    }

    [Fact]
    public async Task A_dirty_connection_is_cut_in_place_of_handed_out()
    {
        await using UpstreamPool pool = Pool();
        FakeConnection[] connections = await FillAsync(pool, 3);
        connections[2].IsDirty = true;
        connections[1].IsDirty = true;
        Assert.Same(connections[0], Rent(pool));
        Assert.True(connections[2].IsAborted);
        Assert.True(connections[1].IsAborted);
        Assert.False(connections[0].IsAborted);
    }

    [Fact]
    public async Task A_connection_that_comes_back_dirty_or_cut_is_not_kept()
    {
        await using UpstreamPool pool = Pool();
        FakeConnection dirty = (FakeConnection)await pool.DialAsync();
        FakeConnection cut = (FakeConnection)await pool.DialAsync();
        dirty.IsDirty = true;
        cut.Abort();
        pool.Return(dirty);
        pool.Return(cut);
        Assert.True(dirty.IsAborted);
        Assert.Equal(0, pool.IdleCount);
    }

    [Fact]
    public async Task A_connection_that_was_idle_too_long_is_not_handed_out()
    {
        await using UpstreamPool pool = Pool();
        FakeConnection connection = (await FillAsync(pool, 1))[0];
        _time.Advance(TimeSpan.FromSeconds(49));
        pool.Return((FakeConnection)Rent(pool));
        _time.Advance(TimeSpan.FromSeconds(50));
        Assert.False(pool.TryRent(out _));
        Assert.True(connection.IsAborted);
    }

    [Fact]
    public async Task A_connection_that_is_too_old_is_not_handed_out_however_busy_it_was()
    {
        await using UpstreamPool pool = Pool();
        FakeConnection connection = (await FillAsync(pool, 1))[0];
        for (int i = 0; i < 19; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(30));
            pool.Return(Rent(pool));
        }

        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.False(pool.TryRent(out _));
        Assert.True(connection.IsAborted);
    }

    [Fact]
    public async Task A_connection_that_grew_too_old_in_use_is_not_kept()
    {
        await using UpstreamPool pool = Pool();
        FakeConnection connection = (FakeConnection)await pool.DialAsync();
        _time.Advance(TimeSpan.FromMinutes(11));
        pool.Return(connection);
        Assert.True(connection.IsAborted);
        Assert.Equal(0, pool.IdleCount);
    }

    [Fact]
    public async Task No_more_are_kept_than_configured()
    {
        await using UpstreamPool pool = Pool(new UpstreamPoolOptions { MaxIdle = 20 });
        FakeConnection[] connections = await FillAsync(pool, 21);
        Assert.Equal(20, pool.IdleCount);
        Assert.True(connections[20].IsAborted);
        Assert.Same(connections[19], Rent(pool));
    }

    [Fact]
    public async Task Scavenging_drops_what_died_or_aged_and_keeps_the_order_of_the_rest()
    {
        await using UpstreamPool pool = Pool();
        FakeConnection[] connections = await FillAsync(pool, 4);
        connections[0].IsDirty = true;
        connections[2].IsDirty = true;
        pool.Scavenge();
        Assert.Equal(2, pool.IdleCount);
        Assert.True(connections[0].IsAborted);
        Assert.True(connections[2].IsAborted);

        _time.Advance(TimeSpan.FromSeconds(40));
        pool.Return(Rent(pool));
        _time.Advance(TimeSpan.FromSeconds(20));
        pool.Scavenge();
        Assert.True(connections[1].IsAborted);
        Assert.Same(connections[3], Rent(pool));
    }

    [Fact]
    public async Task Dials_under_way_are_bounded_and_a_failed_one_makes_room()
    {
        FakeDialer dialer = new();
        await using UpstreamPool pool = new(Endpoint, dialer, new UpstreamPoolOptions { MaxConcurrentDials = 2 }, _time);
        Task<UpstreamConnection>[] dials = [pool.DialAsync(), pool.DialAsync(), pool.DialAsync(), pool.DialAsync()];
        Assert.Equal(2, dialer.Begun);

        Assert.True(dialer.Pending.TryTake(out TaskCompletionSource<UpstreamConnection>? failing));
        failing.SetException(new UpstreamException(ForwardFailure.UpstreamConnect, "refused"));
        await Wire.UntilAsync(() => dialer.Begun == 3, "a third dial");
        Finish(dialer);
        await Wire.UntilAsync(() => dialer.Begun == 4, "a fourth dial");
        Finish(dialer);
        await Assert.ThrowsAsync<UpstreamException>(() => Task.WhenAll(dials));
        _ = Assert.Single(dials, dial => dial.IsFaulted);

        static void Finish(FakeDialer dialer)
        {
            while (dialer.Pending.TryTake(out TaskCompletionSource<UpstreamConnection>? dial))
            {
                dial.SetResult(new FakeConnection(Endpoint));
            }
        }
    }

    [Fact]
    public async Task Nobody_waits_for_ever_for_a_place_to_dial()
    {
        FakeDialer dialer = new();
        await using UpstreamPool pool = new(Endpoint, dialer, new UpstreamPoolOptions { MaxConcurrentDials = 1, DialQueueTimeout = TimeSpan.Zero }, _time);
        Task<UpstreamConnection> first = pool.DialAsync();
        UpstreamException refused = await Assert.ThrowsAsync<UpstreamException>(pool.DialAsync);
        Assert.Equal(ForwardFailure.UpstreamConnectTimeout, refused.Failure);
        Assert.True(dialer.Pending.TryTake(out TaskCompletionSource<UpstreamConnection>? dial));
        dial.SetResult(new FakeConnection(Endpoint));
        _ = await first;
    }

    [Fact]
    public async Task A_closed_pool_keeps_nothing()
    {
        UpstreamPool pool = Pool();
        FakeConnection[] connections = await FillAsync(pool, 2);
        FakeConnection rented = (FakeConnection)Rent(pool);
        await pool.DisposeAsync();
        Assert.True(connections[0].IsAborted);
        Assert.False(rented.IsAborted);
        pool.Return(rented);
        Assert.True(rented.IsAborted);
        Assert.False(pool.TryRent(out _));
    }

    private static UpstreamConnection Rent(UpstreamPool pool)
    {
        Assert.True(pool.TryRent(out UpstreamConnection? connection));
        return connection!;
    }

    private static async Task<FakeConnection[]> FillAsync(UpstreamPool pool, int count)
    {
        FakeConnection[] connections = new FakeConnection[count];
        for (int i = 0; i < count; i++)
        {
            connections[i] = (FakeConnection)await pool.DialAsync();
        }

        foreach (FakeConnection connection in connections)
        {
            pool.Return(connection);
        }

        return connections;
    }

    private UpstreamPool Pool(UpstreamPoolOptions? options = null) => new(Endpoint, new FakeDialer { IsImmediate = true }, options ?? new UpstreamPoolOptions(), _time);
}
