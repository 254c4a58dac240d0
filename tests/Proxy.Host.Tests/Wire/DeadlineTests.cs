using System.Net.Sockets;
using System.Text;
using Proxy.Core.Outcomes;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Wire;

/// <summary>Nothing waits for ever: each deadline of http-rules.md §7 by the answer it ends in, and how many connections there may be.</summary>
public sealed class DeadlineTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    [Fact]
    public async Task A_new_connection_that_says_nothing_is_closed()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { FirstByteTimeout = Short });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        Assert.Empty(await client.ReceiveAllAsync());
    }

    [Fact]
    public async Task An_idle_connection_is_closed_without_a_word()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { KeepAliveTimeout = Short });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        Assert.Equal(200, (await client.ReceiveAsync("GET")).Status);
        Assert.Empty(await client.ReceiveAllAsync());
    }

    [Theory]
    [InlineData("G")]
    [InlineData("GET /anthropic/v1/models HTTP/1.1\r\n")]
    [InlineData("GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nX: y\r")]
    public async Task A_head_that_does_not_end_is_a_408(string part)
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { HeadTimeout = Short });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(part);
        WireBench.AssertOneError(Encoding.Latin1.GetString(await client.ReceiveAllAsync()), 408);
    }

    [Fact]
    public async Task The_time_for_a_head_is_for_the_whole_of_it_and_not_for_each_read()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { HeadTimeout = Short });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        Task<byte[]> answer = client.ReceiveAllAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nX: ");
        try
        {
            while (!answer.IsCompleted)
            {
                // Always something new, never the end.
                await client.SendAsync("x");
                await Task.WhenAny(answer, Task.Delay(20, TestContext.Current.CancellationToken));
            }
        }
        catch (IOException)
        {
            // It was closed while we wrote.
        }

        string text = Encoding.Latin1.GetString(await answer);
        Assert.StartsWith("HTTP/1.1 408 ", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 10", "hello")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhel")]
    [InlineData("Transfer-Encoding: chunked", "")]
    [InlineData("Expect: 100-continue\r\nContent-Length: 10", "hello")]
    public async Task A_body_that_stops_coming_is_a_408_and_its_upstream_request_is_cut(string field, string part)
    {
        TaskCompletionSource cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { RequestBodyTimeout = Short }, script: async peer =>
        {
            _ = await peer.ReadHeadAsync();
            await peer.WaitForEndAsync();
            cut.SetResult();
        });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Post(field) + part);
        WireBench.AssertOneError(Encoding.Latin1.GetString(await client.ReceiveAllAsync()), 408);
        await cut.Task;
    }

    [Fact]
    public async Task An_upstream_that_does_not_answer_is_a_504()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { ResponseHeadTimeout = Short }, script: SilentAsync);
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        Assert.Equal(504, (await client.ReceiveAsync("GET")).Status);
        Assert.Equal(EndReason.UpstreamFailed, Assert.Single(await bench.Gateway.SpendAsync(1)).EndReason);
    }

    [Fact]
    public async Task An_upstream_that_lets_a_client_wait_for_100_Continue_is_a_504()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { RequestBodyTimeout = Short }, script: async peer =>
        {
            _ = await peer.ReadHeadAsync();
            await peer.WaitForEndAsync();
        });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Post("Expect: 100-continue", "Content-Length: 10"));
        WireBench.AssertOneError(Encoding.Latin1.GetString(await client.ReceiveAllAsync()), 504);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    public async Task An_upstream_that_falls_silent_is_a_visible_cut(string begun)
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { SilenceTimeout = Short }, script: async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync(begun);
            await peer.WaitForEndAsync();
        });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        await Assert.ThrowsAnyAsync<IOException>(() => client.ReceiveAsync("GET"));
        Assert.Equal(EndReason.UpstreamCut, Assert.Single(await bench.Gateway.SpendAsync(1)).EndReason);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_and_its_upstream_with_it()
    {
        TaskCompletionSource cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
        string block = new('x', 64 * 1024);
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { ClientReadTimeout = Short }, script: async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\n");
            try
            {
                while (true)
                {
                    await peer.SendAsync(block);
                }
            }
            catch (Exception fault) when (fault is IOException or SocketException)
            {
                cut.SetResult();
            }
        });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        await cut.Task;
        Assert.Equal(EndReason.ClientGone, Assert.Single(await bench.Gateway.SpendAsync(1)).EndReason);
    }

    [Fact]
    public async Task A_refused_client_that_goes_on_sending_is_not_read_for_ever()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { LingerTimeout = Short });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\nX: y\r\n\r\n");
        Assert.Equal(400, (await client.ReceiveAsync("GET")).Status);
        string block = new('x', 64 * 1024);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (true)
            {
                await client.SendAsync(block);
            }
        });
    }

    [Fact]
    public async Task Connections_are_limited_in_all_and_the_next_is_served_when_one_has_ended()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { MaxConnections = 3 });
        List<RawClient> clients = await FillAsync(bench, 3);
        await using (RawClient refused = await bench.Gateway.ConnectAsync())
        {
            string answer = Encoding.Latin1.GetString(await refused.ReceiveAllAsync());
            WireBench.AssertOneError(answer, 503);
            Assert.Contains("\r\nrequest-id: req_", answer, StringComparison.Ordinal);
        }

        Assert.Equal(1, bench.Gateway.Gateway.Connections.Refused);
        await clients[0].DisposeAsync();
        await WireBench.UntilAsync(() => bench.Gateway.Gateway.Connections.Count == 2);
        await bench.NextIsServedAsync();
        await EndAsync(bench, clients);
    }

    [Fact]
    public async Task Connections_of_one_address_are_limited()
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { MaxConnectionsPerAddress = 2 });
        List<RawClient> clients = await FillAsync(bench, 2);
        await using (RawClient refused = await bench.Gateway.ConnectAsync())
        {
            WireBench.AssertOneError(Encoding.Latin1.GetString(await refused.ReceiveAllAsync()), 503);
        }

        await EndAsync(bench, clients);
        await bench.NextIsServedAsync();
        await WireBench.UntilAsync(() => bench.Gateway.Gateway.Connections.Addresses == 0);
    }

    private static async Task SilentAsync(UpstreamPeer peer)
    {
        _ = await peer.ReadRequestAsync();
        await peer.WaitForEndAsync();
    }

    private static async Task<List<RawClient>> FillAsync(WireBench bench, int count)
    {
        List<RawClient> clients = [];
        for (int i = 0; i < count; i++)
        {
            RawClient client = await bench.Gateway.ConnectAsync();
            await client.SendAsync(bench.Get());
            Assert.Equal(200, (await client.ReceiveAsync("GET")).Status);
            clients.Add(client);
        }

        return clients;
    }

    private static async Task EndAsync(WireBench bench, List<RawClient> clients)
    {
        foreach (RawClient client in clients)
        {
            await client.DisposeAsync();
        }

        await WireBench.UntilAsync(() => bench.Gateway.Gateway.Connections.Count == 0);
    }
}
