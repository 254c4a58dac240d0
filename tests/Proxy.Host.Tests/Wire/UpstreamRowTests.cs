using System.Text;
using System.Text.Json;
using Proxy.Host.Tests.Storage;
using Proxy.Core.Outcomes;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Wire;

/// <summary>What an upstream may answer, by the rows of http-rules.md §5, and what becomes of it: over real sockets, most of it over plain TCP and over TLS.</summary>
public sealed class UpstreamRowTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    [Fact]
    public async Task Row_48_what_leaves_is_one_plain_request()
    {
        await using WireBench bench = await WireBench.StartAsync();
        string sent = await bench.ForwardedAsync(bench.Post("Content-Type: application/json", "Transfer-Encoding: chunked") + "2\r\n{}\r\n0\r\n\r\n");
        string head = sent[..sent.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        Assert.StartsWith("POST /v1/messages HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Equal(1, Count(head, "host:"));
        Assert.Equal(1, Count(head, "transfer-encoding:") + Count(head, "content-length:"));
        Assert.Equal(1, Count(head, "x-api-key:") + Count(head, "authorization:"));
        Assert.Equal(0, Count(head, "connection:"));
    }

    /// <summary>Heads, or what stands in the place of one, that are no HTTP/1.1 response.</summary>
    public static TheoryData<string> BrokenHeads =>
    [
        "\r\n" + Ok, "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello", "HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/2 200\r\n\r\n",
        "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n", "HTTP/1.1200 OK\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n", "HTTP/1.1 200 O\0K\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\n\r\n", "ICY 200 OK\r\n\r\n", "<html>not http</html>\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n\r\n", "\u0015\u0003\u0003\0\u0002\u0002\u0016\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\r\n X: a\r\n\r\n", "HTTP/1.1 200 OK\r\nX\r\n\r\n", "HTTP/1.1 200 OK\r\n: a\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "HTTP/1.1 200 OK\r\nX\u00e9: a\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\u0007\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer_encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nContent_Length: 5\r\n\r\nhello",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + Ok,
    ];

    [Theory]
    [MemberData(nameof(BrokenHeads))]
    public async Task Rows_49_50_and_52_an_answer_that_breaks_a_rule_is_a_502_and_its_connection_is_never_used_again(string answer)
    {
        await using WireBench bench = await WireBench.StartAsync(script: peer => AnswerOnceAsync(peer, answer));
        RawResponse response = await AskAsync(bench);
        Assert.Equal(502, response.Status);
        Assert.Equal("api_error", JsonDocument.Parse(response.Body).RootElement.GetProperty("error").GetProperty("type").GetString());
        await NextHasItsOwnConnectionAsync(bench);
        Assert.Equal(EndReason.UpstreamFailed, Assert.Single(await bench.Gateway.SpendAsync(2), row => row.Status == 502).EndReason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Section_7_an_upstream_head_without_end_is_a_502(bool inOneLine)
    {
        string answer = "HTTP/1.1 200 OK\r\n" + (inOneLine ? "X: " + new string('x', 80 * 1024) : string.Concat(Enumerable.Repeat("X: " + new string('x', 1000) + "\r\n", 80)));
        await using WireBench bench = await WireBench.StartAsync(script: peer => AnswerOnceAsync(peer, answer));
        Assert.Equal(502, (await AskAsync(bench)).Status);
        await NextHasItsOwnConnectionAsync(bench);
    }

    public static TheoryData<string, string> BrokenBodies => new()
    {
        { "cut length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello" },
        { "cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello" },
        { "cut after a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" },
        { "cut in the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" },
        { "cut in the size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5" },
        { "bare LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\nworld\r\n0\r\n\r\n" },
        { "signed size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n+5\r\nworld\r\n0\r\n\r\n" },
        { "overflow", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nffffffffffffffff\r\nworld\r\n0\r\n\r\n" },
        { "data too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworldX\r\n0\r\n\r\n" },
        { "framing as trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n" },
        { "folded trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(BrokenBodies))]
    public async Task Row_51_a_broken_body_cuts_the_clients_response_visibly_and_is_booked(string how, string answer)
    {
        Assert.NotEmpty(how);
        foreach ((bool reset, bool tls) in new[] { (false, false), (true, false), (false, true) })
        {
            await using WireBench bench = await WireBench.StartAsync(tls: tls, script: async peer =>
            {
                await AnswerOnceAsync(peer, answer);
                if (reset)
                {
                    peer.Reset();
                }
            });
            await using RawClient client = await bench.Gateway.ConnectAsync();
            await client.SendAsync(bench.Get());
            await Assert.ThrowsAnyAsync<IOException>(() => client.ReceiveAsync("GET"));
            SpendRow row = Assert.Single(await bench.Gateway.SpendAsync(1));
            Assert.True(row.EndReason is EndReason.UpstreamCut or EndReason.UpstreamFailed, $"{row.EndReason}");
            await NextHasItsOwnConnectionAsync(bench);
        }
    }

    [Fact]
    public async Task Row_52_interim_answers_pass_or_are_dropped_and_too_many_are_a_502()
    {
        await using WireBench bench = await WireBench.StartAsync(script: peer => AnswerOnceAsync(peer, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + Ok));
        await using (RawClient client = await bench.Gateway.ConnectAsync())
        {
            await client.SendAsync(bench.Get("Connection: close"));
            string all = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
            Assert.StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n", all, StringComparison.Ordinal);
        }

        bench.Upstream.Script = peer => AnswerOnceAsync(peer, string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 21)) + Ok);
        await using RawClient other = await bench.Gateway.ConnectAsync();
        await other.SendAsync(bench.Get());
        Assert.Equal(502, (await other.ReceiveAsync("GET")).Status);
    }

    [Theory]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")]
    public async Task Row_53_an_answer_without_a_body_ends_with_its_head_and_bytes_behind_it_end_the_connection(string method, string answer)
    {
        foreach (string surplus in new[] { "", "hello", Ok })
        {
            int connections = 0;
            await using WireBench bench = await WireBench.StartAsync(script: async peer =>
            {
                if (Interlocked.Increment(ref connections) == 1)
                {
                    _ = await peer.ReadRequestAsync();
                    await peer.SendAsync(answer + surplus);
                }

                await RawUpstream.HonestAsync(peer);
            });
            await using RawClient client = await bench.Gateway.ConnectAsync();
            await client.SendAsync(bench.Request($"{method} /anthropic/v1/models HTTP/1.1"));
            string head = Encoding.Latin1.GetString(await client.ReadThroughAsync("\r\n\r\n"u8.ToArray()));
            Assert.DoesNotContain("chunked", head.Contains(" 204 ", StringComparison.Ordinal) ? head : "", StringComparison.Ordinal);
            if (head.Contains(" 204 ", StringComparison.Ordinal))
            {
                Assert.Equal(0, Count(head, "content-length:"));
            }

            if (surplus.Length == 0)
            {
                await bench.UntilPooledAsync();
            }

            await client.SendAsync(bench.Get("x-nonce: behind"));
            Assert.Contains("behind", (await client.ReceiveAsync("GET")).Text, StringComparison.Ordinal);
            Assert.Equal(surplus.Length == 0 ? 1 : 2, bench.Upstream.Connections);
        }
    }

    [Theory]
    [InlineData(false, "x")]
    [InlineData(true, "x")]
    [InlineData(false, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    [InlineData(true, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    public async Task Row_54_surplus_bytes_right_behind_an_answer_are_nobodys(bool tls, string surplus)
    {
        await using WireBench bench = await WireBench.StartAsync(tls: tls, script: async peer =>
        {
            _ = await peer.ReadRequestAsync();
            await peer.SendAsync(Ok + surplus);
            await RawUpstream.HonestAsync(peer);
        });
        RawResponse response = await AskAsync(bench);
        Assert.Equal("hello", response.Text);
        await NextHasItsOwnConnectionAsync(bench);
    }

    [Theory]
    [InlineData(false, "\r\n")]
    [InlineData(true, "\r\n")]
    [InlineData(false, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    [InlineData(true, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    [InlineData(false, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    public async Task Row_54_unsolicited_bytes_on_an_idle_connection_end_it(bool tls, string unsolicited)
    {
        TaskCompletionSource idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WireBench bench = await WireBench.StartAsync(tls: tls, script: async peer =>
        {
            _ = await peer.ReadRequestAsync();
            await peer.SendAsync(Ok);
            await idle.Task;
            await peer.SendAsync(unsolicited);
            await peer.UntilDeliveredAsync();
            sent.SetResult();
            await peer.WaitForEndAsync();
        });
        Assert.Equal("hello", (await AskAsync(bench)).Text);
        await bench.UntilPooledAsync();
        idle.SetResult();
        await sent.Task;
        await NextHasItsOwnConnectionAsync(bench);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Row_54_a_connection_that_was_closed_while_idle_is_not_used(bool tls)
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WireBench bench = await WireBench.StartAsync(tls: tls, script: async peer =>
        {
            await AnswerOnceAsync(peer, Ok);
            peer.Truncate();
            await peer.UntilDeliveredAsync();
            closed.SetResult();
            await peer.WaitForEndAsync();
        });
        Assert.Equal("hello", (await AskAsync(bench)).Text);
        await closed.Task;
        bench.Upstream.Script = RawUpstream.HonestAsync;
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Post("x-nonce: mine", "Content-Length: 2") + "{}");
        Assert.Contains("mine", (await client.ReceiveAsync()).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Row_55_an_early_answer_is_passed_on_and_both_connections_end(bool tls)
    {
        await using WireBench bench = await WireBench.StartAsync(tls: tls, script: async peer =>
        {
            _ = await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge");
            await peer.WaitForEndAsync();
        });
        await using (RawClient client = await bench.Gateway.ConnectAsync())
        {
            await client.SendAsync(bench.Post("Content-Length: 1000000") + new string('x', 1000));
            string all = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
            Assert.StartsWith("HTTP/1.1 413 Content Too Large\r\n", all, StringComparison.Ordinal);
            Assert.EndsWith("\r\n\r\nlarge", all, StringComparison.Ordinal);
        }

        await NextHasItsOwnConnectionAsync(bench);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, Close\r\n\r\nhello")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello")]
    public async Task Row_56_an_upstream_that_does_not_persist_is_not_used_again(string answer)
    {
        await using WireBench bench = await WireBench.StartAsync(script: async peer =>
        {
            _ = await peer.ReadRequestAsync();
            await peer.SendAsync(answer);
            await RawUpstream.HonestAsync(peer);
        });
        Assert.Equal("hello", (await AskAsync(bench)).Text);
        await NextHasItsOwnConnectionAsync(bench);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Row_56_a_body_that_ends_with_its_connection_ends_ours(bool tls)
    {
        await using WireBench bench = await WireBench.StartAsync(tls: tls, script: peer => AnswerOnceAsync(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"));
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        string all = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
        Assert.Contains("Connection: close\r\n", all, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nhello", all, StringComparison.Ordinal);
        await NextHasItsOwnConnectionAsync(bench);
    }

    [Theory]
    [InlineData("GET", true, false)]
    [InlineData("HEAD", true, false)]
    [InlineData("POST", false, false)]
    [InlineData("DELETE", false, false)]
    [InlineData("GET", true, true)]
    [InlineData("POST", false, true)]
    public async Task Row_57_only_GET_and_HEAD_are_sent_once_more_when_a_used_connection_dies_without_an_answer(string method, bool again, bool tls)
    {
        int requests = 0;
        await using WireBench bench = await WireBench.StartAsync(tls: tls, script: async peer =>
        {
            string request = await peer.ReadRequestAsync();
            if (Interlocked.Increment(ref requests) > 1)
            {
                await peer.SendAsync(RawUpstream.Ok("fresh", isHead: request.StartsWith("HEAD", StringComparison.Ordinal)));
                await RawUpstream.HonestAsync(peer);
                return;
            }

            await peer.SendAsync(Ok);
            _ = await peer.ReadRequestAsync();
            peer.Reset();
        });
        Assert.Equal("hello", (await AskAsync(bench)).Text);
        await bench.UntilPooledAsync();
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Request($"{method} /anthropic/v1/models HTTP/1.1", "x-nonce: twice?"));
        RawResponse response = await client.ReceiveAsync(method);
        Assert.Equal(again ? 200 : 502, response.Status);
        Assert.Equal(again ? 2 : 1, Count(bench.Upstream.Received, "x-nonce: twice?"));
        Assert.Equal(again ? 2 : 1, bench.Upstream.Connections);
    }

    [Fact]
    public async Task Row_57_no_request_is_sent_more_than_twice()
    {
        int connections = 0;
        await using WireBench bench = await WireBench.StartAsync(script: async peer =>
        {
            if (Interlocked.Increment(ref connections) == 1)
            {
                _ = await peer.ReadRequestAsync();
                await peer.SendAsync(Ok);
            }

            _ = await peer.ReadRequestAsync();
            peer.Reset();
        });
        Assert.Equal("hello", (await AskAsync(bench)).Text);
        await bench.UntilPooledAsync();
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get("x-nonce: again"));
        Assert.Equal(502, (await client.ReceiveAsync("GET")).Status);
        Assert.Equal(2, Count(bench.Upstream.Received, "x-nonce: again"));
    }

    /// <summary>States of an exchange in which a client may leave: what is sent before, and what the upstream has said until then.</summary>
    public static TheoryData<string, bool> Leavings
    {
        get
        {
            TheoryData<string, bool> rows = [];
            foreach (string state in new[] { "in its body", "before the answer", "in the answer's head", "in the answer", "in an event stream" })
            {
                rows.Add(state, false);
                rows.Add(state, true);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Leavings))]
    public async Task Row_58_a_client_that_leaves_in_any_state_cuts_the_upstream_at_once_and_is_booked(string state, bool reset)
    {
        TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WireBench bench = await WireBench.StartAsync(script: async peer =>
        {
            _ = await peer.ReadHeadAsync();
            string said = state switch
            {
                "in the answer's head" => "HTTP/1.1 200 OK\r\nContent-Le",
                "in the answer" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello",
                "in an event stream" => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n",
                _ => "",
            };
            await peer.SendAsync(said);
            reached.SetResult();
            await peer.WaitForEndAsync();
            cut.SetResult();
        });
        RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Post(state == "in its body" ? "Content-Length: 100" : "Content-Length: 2") + "{}");
        await reached.Task;
        if (state is "in the answer" or "in an event stream")
        {
            _ = await client.ReadThroughAsync("\r\n\r\n"u8.ToArray());
        }

        if (reset)
        {
            client.Reset();
        }
        else
        {
            await client.DisposeAsync();
        }

        await cut.Task;
        SpendRow row = Assert.Single(await bench.Gateway.SpendAsync(1));
        Assert.Equal(EndReason.ClientGone, row.EndReason);
        bench.Upstream.Script = RawUpstream.HonestAsync;
        await bench.NextIsServedAsync();
        Assert.Equal(2, bench.Upstream.Connections);
    }

    [Fact]
    public async Task Row_59_an_upstream_that_speaks_no_TLS_is_a_502_and_is_sent_nothing_of_the_request()
    {
        await using RawUpstream plain = new(script: async peer =>
        {
            await peer.SendAsync(Ok);
            await peer.WaitForEndAsync();
        });
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(options => options.UpstreamUrl = plain.Url.Replace("http:", "https:", StringComparison.Ordinal));
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync($"GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {gateway.Key}\r\n\r\n");
        Assert.Equal(502, (await client.ReceiveAsync("GET")).Status);
        Assert.DoesNotContain("/v1/models", plain.Received, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    public async Task Row_60_TLS_that_ends_without_close_notify_in_a_framed_body_is_a_cut(string answer)
    {
        await using WireBench bench = await WireBench.StartAsync(tls: true, script: async peer =>
        {
            _ = await peer.ReadRequestAsync();
            await peer.SendAsync(answer);
            peer.Truncate();
            await peer.WaitForEndAsync();
        });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        await Assert.ThrowsAnyAsync<IOException>(() => client.ReceiveAsync("GET"));
        Assert.Equal(EndReason.UpstreamCut, Assert.Single(await bench.Gateway.SpendAsync(1)).EndReason);
    }

    [Fact]
    public async Task Section_10_an_answer_that_comes_in_single_bytes_is_the_same_answer()
    {
        const string Chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n000006\r\n world\r\n0\r\nX-T: 1\r\n\r\n";
        await using WireBench bench = await WireBench.StartAsync(script: async peer =>
        {
            while (true)
            {
                _ = await peer.ReadRequestAsync();
                await peer.SendBytewiseAsync(Chunked);
            }
        });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        for (int i = 0; i < 3; i++)
        {
            await client.SendAsync(bench.Get());
            Assert.Equal("hello world", (await client.ReceiveAsync("GET")).Text);
            await bench.UntilPooledAsync();
        }

        Assert.Equal(1, bench.Upstream.Connections);
    }

    [Fact]
    public async Task Section_10_answers_belong_to_the_connection_whose_request_they_answer()
    {
        // An upstream that answers some requests twice, some not at all, and all others with their nonce.
        int served = 0;
        await using WireBench bench = await WireBench.StartAsync(script: async peer =>
        {
            while (true)
            {
                string nonce = UpstreamPeer.FieldOf(await peer.ReadRequestAsync(), "x-nonce")!;
                switch (Interlocked.Increment(ref served) % 7)
                {
                    case 0:
                        await peer.SendAsync(RawUpstream.Ok(nonce) + RawUpstream.Ok("poison"));
                        break;
                    case 2:
                        peer.Reset();
                        return;
                    case 3:
                        await peer.SendAsync(RawUpstream.Ok(nonce, "Connection: close\r\n"));
                        return;
                    default:
                        await peer.SendAsync(RawUpstream.Ok(nonce));
                        break;
                }
            }
        });
        int right = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async user =>
        {
            RawClient client = await bench.Gateway.ConnectAsync();
            for (int i = 0; i < 50; i++)
            {
                string nonce = $"u{user}-{i}.";
                await client.SendAsync(bench.Post("x-nonce: " + nonce, "Content-Length: 2") + "{}");
                RawResponse response = await client.ReceiveAsync();
                if (response.Status == 200)
                {
                    Assert.Contains($"\"{nonce}\"", response.Text, StringComparison.Ordinal);
                    Interlocked.Increment(ref right);
                }
                else
                {
                    Assert.Equal(502, response.Status);
                }
            }

            await client.DisposeAsync();
        }));
        Assert.InRange(right, 400, 800);
    }

    private static async Task AnswerOnceAsync(UpstreamPeer peer, string answer)
    {
        _ = await peer.ReadRequestAsync();
        await peer.SendAsync(answer);
    }

    private static async Task<RawResponse> AskAsync(WireBench bench)
    {
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        return await client.ReceiveAsync("GET");
    }

    /// <summary>Whoever comes next is served, on another upstream connection.</summary>
    private static async Task NextHasItsOwnConnectionAsync(WireBench bench)
    {
        int before = bench.Upstream.Connections;
        bench.Upstream.Script = RawUpstream.HonestAsync;
        await bench.NextIsServedAsync();
        Assert.Equal(before + 1, bench.Upstream.Connections);
    }

    private static int Count(string text, string what) => text.Split(what, StringSplitOptions.None).Length - 1 is var exact && exact > 0
        ? exact
        : text.Split("\r\n").Count(line => line.StartsWith(what, StringComparison.OrdinalIgnoreCase));
}
