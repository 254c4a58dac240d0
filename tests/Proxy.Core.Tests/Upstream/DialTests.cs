using System.Net;
using System.Net.Sockets;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Core.Tests.Upstream;

/// <summary>Names, addresses, deadlines: what is tried, and what a failure is called.</summary>
public sealed class DialTests
{
    private static readonly IPAddress First = IPAddress.Parse("127.0.0.1");
    private static readonly IPAddress Second = IPAddress.Parse("127.0.0.2");

    [Fact]
    public async Task A_refused_port_is_a_failure_to_connect()
    {
        int port;
        using (LoopbackServer gone = new())
        {
            port = gone.Port;
        }

        UpstreamException fault = await FailAsync(LoopbackServer.Dialer(), new UpstreamEndpoint(LoopbackServer.Name, port, useTls: false));
        Assert.Equal(ForwardFailure.UpstreamConnect, fault.Failure);
        Assert.Contains($"{LoopbackServer.Name}:{port}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_next_address_is_tried_when_one_refuses()
    {
        using LoopbackServer listener = new(Second);
        UpstreamConnection client = await LoopbackServer.Dialer(null, null, First, Second).DialAsync(listener.Plain, TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync();
        Assert.Equal(Second, ((IPEndPoint)server.LocalEndPoint!).Address);
        client.Abort();
    }

    [Fact]
    public async Task The_next_address_is_tried_when_one_does_not_answer()
    {
        using LoopbackServer silent = new(First, backlog: 0);
        using LoopbackServer listener = new(Second, silent.Port);
        using Socket filler = await FillAsync(silent);
        ObservedTime time = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(null, time, First, Second).DialAsync(listener.Plain, TestContext.Current.CancellationToken);

        // The whole deadline, and the share of the first address; half of the whole lets only the share pass.
        await time.UntilTimersAsync(2);
        time.Advance(TimeSpan.FromSeconds(3));
        UpstreamConnection client = await dialing;
        using Socket server = await listener.AcceptAsync();
        client.Abort();
    }

    [Fact]
    public async Task An_address_family_that_the_machine_lacks_is_an_attempt_like_any_other()
    {
        using LoopbackServer listener = new();
        IPAddress unreachable = IPAddress.Parse("2001:db8::1%99");
        UpstreamConnection client = await LoopbackServer.Dialer(null, null, unreachable, First).DialAsync(listener.Plain, TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync();
        client.Abort();
    }

    [Fact]
    public async Task Families_take_turns_so_that_a_broken_one_costs_one_attempt()
    {
        using LoopbackServer listener = new();
        ObservedTime time = new();
        IPAddress broken = IPAddress.Parse("2001:db8::1%99");
        UpstreamConnection client = await LoopbackServer.Dialer(null, time, broken, broken, broken, First).DialAsync(listener.Plain, TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync();

        // One deadline for all, one for each of two attempts.
        Assert.Equal(3, time.Timers);
        client.Abort();
    }

    [Fact]
    public async Task An_upstream_that_does_not_accept_in_time_is_a_connect_timeout()
    {
        using LoopbackServer silent = new(First, backlog: 0);
        using Socket filler = await FillAsync(silent);
        ObservedTime time = new();
        Task<UpstreamConnection> dialing = LoopbackServer.Dialer(time: time).DialAsync(silent.Plain, TestContext.Current.CancellationToken);
        await time.UntilTimersAsync(2);
        time.Advance(TimeSpan.FromSeconds(11));
        UpstreamException fault = await Assert.ThrowsAsync<UpstreamException>(() => dialing);
        Assert.Equal(ForwardFailure.UpstreamConnectTimeout, fault.Failure);
        Assert.Contains($"{LoopbackServer.Name}:{silent.Port}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_nobody_knows_is_a_failure_of_the_name()
    {
        TcpDialer dialer = new(new TcpDialerOptions { Resolve = (_, _) => throw new SocketException((int)SocketError.HostNotFound) });
        UpstreamException fault = await FailAsync(dialer, new UpstreamEndpoint("nowhere.invalid", 443, useTls: true));
        Assert.Equal(ForwardFailure.UpstreamName, fault.Failure);
        Assert.Contains("nowhere.invalid:443", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_without_addresses_is_a_failure_of_the_name()
    {
        TcpDialer dialer = new(new TcpDialerOptions { Resolve = (_, _) => Task.FromResult<IPAddress[]>([]) });
        Assert.Equal(ForwardFailure.UpstreamName, (await FailAsync(dialer, new UpstreamEndpoint("empty.invalid", 443, useTls: true))).Failure);
    }

    [Fact]
    public async Task A_resolver_that_does_not_answer_is_a_connect_timeout()
    {
        ObservedTime time = new();
        TcpDialer dialer = new(new TcpDialerOptions
        {
            Time = time,
            Resolve = async (_, token) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, token);
                return [];
            },
        });
        Task<UpstreamConnection> dialing = dialer.DialAsync(new UpstreamEndpoint("slow.invalid", 443, useTls: true), TestContext.Current.CancellationToken);
        await time.UntilTimersAsync(1);
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(ForwardFailure.UpstreamConnectTimeout, (await Assert.ThrowsAsync<UpstreamException>(() => dialing)).Failure);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task An_address_needs_no_resolver(string host)
    {
        using LoopbackServer listener = new(IPAddress.Parse(host));
        TcpDialer dialer = new(new TcpDialerOptions { Resolve = (_, _) => throw new InvalidOperationException("asked for an address") });
        UpstreamConnection client = await dialer.DialAsync(new UpstreamEndpoint(host, listener.Port, useTls: false), TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync();
        client.Abort();
    }

    private static Task<UpstreamException> FailAsync(TcpDialer dialer, UpstreamEndpoint endpoint) =>
        Assert.ThrowsAsync<UpstreamException>(() => dialer.DialAsync(endpoint, TestContext.Current.CancellationToken));

    /// <summary>One connection fills a queue of length nought; the kernel then leaves further ones unanswered.</summary>
    private static async Task<Socket> FillAsync(LoopbackServer silent)
    {
        Socket filler = new(SocketType.Stream, ProtocolType.Tcp);
        await filler.ConnectAsync(silent.Address, silent.Port, TestContext.Current.CancellationToken);
        return filler;
    }
}
