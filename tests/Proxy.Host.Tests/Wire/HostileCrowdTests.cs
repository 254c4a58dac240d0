using System.Net.Sockets;
using System.Text;
using Proxy.Core.Http1;
using Proxy.Core.Tests.Http1;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Wire;

/// <summary>Many of the same: a thousand requests of every nasty kind, a thousand slow clients at once.</summary>
public sealed class HostileCrowdTests
{
    private const int Each = 1000;
    private const int Parallel = 8;

    /// <summary>One of each family of attacks; what their variants do differently is in the row tests.</summary>
    public static TheoryData<string, string> Kinds => new()
    {
        { "bare LF", "GET /anthropic/v1/models HTTP/1.1\nHost: a\n\n" },
        { "CL.TE", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" },
        { "TE.TE", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" },
        { "CL.CL", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n" },
        { "broken chunk", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx" },
        { "chunk extension", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nTransfer-Encoding: chunked\r\n\r\n1;\n\r\nx\r\n0\r\n\r\n" },
        { "path escape", "GET /anthropic/%2e%2e/%2e%2e/x HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\n\r\n" },
        { "huge head", "GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nX: {40k}\r\n\r\n" },
        { "many fields", "GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\n{200 fields}\r\n" },
        { "wrong key", "GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: sk-wrong-wrong-wrong-1\r\nConnection: close\r\n\r\n" },
        { "two keys", "GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nx-litellm-api-key: {key}\r\n\r\n" },
        { "CONNECT", "CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n" },
        { "h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
        { "TLS to a plain port", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003\r\n\r\n" },
        { "too large", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nContent-Length: 99999999999\r\n\r\nxxxx" },
        { "nothing and away", "" },
        { "half a head and away", "GET /anthropic/v1/models HT" },
        { "half a body and away", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nContent-Length: 100\r\n\r\n{}" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_thousand_of_a_kind_neither_hang_nor_harm_the_next_client(string kind, string request)
    {
        await using WireBench bench = await WireBench.StartAsync();
        byte[] bytes = Encoding.Latin1.GetBytes(request
            .Replace("{key}", bench.Key, StringComparison.Ordinal)
            .Replace("{40k}", new string('x', 40_000), StringComparison.Ordinal)
            .Replace("{200 fields}", string.Concat(Enumerable.Range(0, 200).Select(n => $"X-{n}: y\r\n")), StringComparison.Ordinal));
        bool leaves = kind.EndsWith("away", StringComparison.Ordinal);
        await Task.WhenAll(Enumerable.Range(0, Parallel).Select(async _ =>
        {
            for (int i = 0; i < Each / Parallel; i++)
            {
                await using RawClient client = await bench.Gateway.ConnectAsync();
                await client.SendAsync(bytes);
                if (leaves && i % 2 == 0)
                {
                    client.Reset();
                }
                else if (!leaves)
                {
                    Assert.StartsWith("HTTP/1.1 ", Encoding.Latin1.GetString(await client.ReceiveAllAsync()), StringComparison.Ordinal);
                }
            }
        }));
        await bench.NextIsServedAsync();
        await WireBench.UntilAsync(() => bench.Gateway.Gateway.Connections.Count == 0);
        Assert.DoesNotContain("inside the gateway", bench.Gateway.Logs, StringComparison.Ordinal);
    }

    /// <summary>All of the table, a minute's work: for who changes the parser.</summary>
    [Fact(Explicit = true)]
    public async Task A_thousand_of_every_head_that_is_refused_neither_hang_nor_harm_the_next_client()
    {
        foreach (TheoryDataRow<string, string, HeadError, int> row in new RefusedHeads())
        {
            await A_thousand_of_a_kind_neither_hang_nor_harm_the_next_client(row.Data.Item1, row.Data.Item2);
        }
    }

    [Fact]
    public async Task A_thousand_slow_clients_do_not_keep_others_from_being_served_and_are_gone_after_their_deadline()
    {
        const int Slow = 500;
        string block = new('x', 64 * 1024);
        await using WireBench bench = await WireBench.StartAsync(
            limits => limits with { HeadTimeout = TimeSpan.FromSeconds(4), ClientReadTimeout = TimeSpan.FromSeconds(4) },
            script: async peer =>
            {
                while (true)
                {
                    string nonce = UpstreamPeer.FieldOf(await peer.ReadRequestAsync(), "x-nonce") ?? "";
                    if (nonce != "unread")
                    {
                        await peer.SendAsync(RawUpstream.Ok(nonce));
                        continue;
                    }

                    await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\n");
                    while (true)
                    {
                        await peer.SendAsync(block);
                    }
                }
            });

        // Half of them never finish their head, the other half never read their answer.
        using CancellationTokenSource over = new();
        List<RawClient> slow = [];
        for (int i = 0; i < Slow; i++)
        {
            RawClient head = await bench.Gateway.ConnectAsync();
            await head.SendAsync("GET /anthropic/v1/models HTTP/1.1\r\nX: ");
            slow.Add(head);
            RawClient unread = await bench.Gateway.ConnectAsync();
            await unread.SendAsync(bench.Get("x-nonce: unread"));
            slow.Add(unread);
        }

        Task trickle = TrickleAsync(slow, over.Token);
        Assert.True(bench.Gateway.Gateway.Connections.Count > Slow);
        int served = 0;
        while (bench.Gateway.Gateway.Connections.Count > 0)
        {
            await bench.NextIsServedAsync();
            served++;
        }

        await over.CancelAsync();
        await trickle;
        Assert.NotEqual(0, served);
        foreach (RawClient client in slow)
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>A byte to each slow head now and then.</summary>
    private static async Task TrickleAsync(List<RawClient> slow, CancellationToken over)
    {
        byte[] one = "x"u8.ToArray();
        HashSet<int> ended = [];
        while (!over.IsCancellationRequested)
        {
            for (int i = 0; i < slow.Count; i += 2)
            {
                try
                {
                    if (!ended.Contains(i))
                    {
                        await slow[i].SendAsync(one);
                    }
                }
                catch (Exception fault) when (fault is IOException or SocketException)
                {
                    ended.Add(i);
                }
            }

            await Task.WhenAny(Task.Delay(1000, over));
        }
    }
}
