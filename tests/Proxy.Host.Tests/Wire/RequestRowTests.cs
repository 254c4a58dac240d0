using System.Text;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Wire;

/// <summary>What a client may send, by the rows of http-rules.md §2 to §4 and §6 that need more than a head to be refused.</summary>
public sealed class RequestRowTests(WireBench bench) : IClassFixture<WireBench>
{
    private const string Prefix = "/anthropic";

    [Theory]
    [InlineData("\r\n")]
    [InlineData("\r\n\r\n")]
    public async Task Row_3_up_to_two_empty_lines_before_a_request_are_skipped(string lines) =>
        Assert.StartsWith("GET /v1/models HTTP/1.1\r\n", await bench.ForwardedAsync(lines + bench.Get()), StringComparison.Ordinal);

    [Theory]
    [InlineData("get")]
    [InlineData("Post")]
    [InlineData("PURGE")]
    [InlineData("!#$%&'*+-.^_`|~09")]
    public async Task Row_6_an_unknown_method_passes_byte_for_byte(string method) =>
        Assert.StartsWith(method + " /v1/models HTTP/1.1\r\n", await bench.ForwardedAsync(bench.Request($"{method} /anthropic/v1/models HTTP/1.1")), StringComparison.Ordinal);

    [Fact]
    public async Task Row_8_an_old_client_is_served_and_closed_and_gets_no_chunks()
    {
        await using WireBench own = await WireBench.StartAsync(script: async peer =>
        {
            _ = await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
            await peer.WaitForEndAsync();
        });
        await using RawClient client = await own.Gateway.ConnectAsync();
        await client.SendAsync($"GET /anthropic/v1/models HTTP/1.0\r\nx-litellm-api-key: {own.Key}\r\nConnection: keep-alive\r\n\r\n");
        string answer = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nabc", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("chunked", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://gateway/anthropic/v1/models?a=b")]
    [InlineData("https://api.evil.example:99/anthropic/v1/models?a=b")]
    [InlineData("HTTP://[::1]/anthropic/v1/models?a=b")]
    public async Task Row_12_the_authority_of_an_absolute_target_leads_nowhere(string target)
    {
        string sent = await bench.ForwardedAsync(bench.Request($"GET {target} HTTP/1.1"));
        Assert.StartsWith("GET /v1/models?a=b HTTP/1.1\r\nHost: localhost:", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/anthropic/../admin")]
    [InlineData("/anthropic/v1/%2e%2e/%2e%2e/x")]
    [InlineData("/anthropic/v1/.%2e/x")]
    [InlineData("/anthropic/%252e%252e/x")]
    [InlineData("/anthropic/v1/..%2f..%2fx")]
    [InlineData("/anthropic/v1/..%5c..%5cx")]
    [InlineData("/anthropic/v1/..;/x")]
    [InlineData("/anthropic/v1/..%00/x")]
    [InlineData("/anthropic/v1/%c0%ae%c0%ae/x")]
    [InlineData("/anthropic/v1/%e0%80%ae%e0%80%ae/x")]
    [InlineData("/anthropic/v1/%25c0%25ae/x")]
    [InlineData("/anthropic/v1/%c0%af..%c0%af")]
    [InlineData("/anthropic/v1/%ff")]
    [InlineData("http://x/anthropic/../y")]
    public async Task Row_14_no_path_leaves_its_prefix_in_any_encoding(string target) => await bench.RefusedAsync(bench.Request($"GET {target} HTTP/1.1"), 400);

    [Theory]
    [InlineData("/v1/a%2Fb%5Cc%3b%7E%41%C3%A4")]
    [InlineData("/v1/x?q=%2F%2f%zz&r=/../..;%0d%0a")]
    [InlineData("/v1/...;a=b/x.y,z=1")]
    [InlineData("/v1//x//")]
    public async Task Rows_15_and_16_what_needs_no_refusal_passes_byte_for_byte(string target) =>
        Assert.StartsWith($"GET {target} HTTP/1.1\r\n", await bench.ForwardedAsync(bench.Request($"GET {Prefix}{target} HTTP/1.1")), StringComparison.Ordinal);

    [Theory]
    [InlineData("/anthropic//evil.example/x")]
    [InlineData("/anthropic//")]
    [InlineData("http://x/anthropic//y")]
    public async Task Row_16_no_upstream_target_begins_with_two_slashes(string target) => await bench.RefusedAsync(bench.Request($"GET {target} HTTP/1.1"), 400);

    [Theory]
    [InlineData("/anthropic@evil.example/")]
    [InlineData("/anthropic:80/")]
    [InlineData("/anthropicx/v1")]
    [InlineData("/Anthropic/v1")]
    [InlineData("/%61nthropic/v1")]
    [InlineData("/anthropic%2fv1")]
    [InlineData("//anthropic/v1")]
    [InlineData("/")]
    public async Task Row_19_only_the_bytes_of_the_prefix_and_a_slash_match(string target)
    {
        int before = bench.Upstream.Received.Length;
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Request($"GET {target} HTTP/1.1"));
        Assert.Contains((await client.ReceiveAsync("GET")).Status, new[] { 400, 404 });
        Assert.Equal(before, bench.Upstream.Received.Length);
        await bench.NextIsServedAsync();
    }

    [Theory]
    [InlineData("Host: evil.example")]
    [InlineData("Host: 127.0.0.1:1")]
    public async Task Row_21_the_host_that_leaves_is_the_configured_one(string host)
    {
        string sent = await bench.ForwardedAsync(
            $"GET /anthropic/v1/models HTTP/1.1\r\n{host}\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nx-litellm-api-key: {bench.Key}\r\n\r\n");
        Assert.Contains("\r\nHost: localhost:", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.1:1\r\n", sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_25_to_27_values_and_their_order_pass_byte_for_byte()
    {
        string sent = await bench.ForwardedAsync(bench.Get("X-A:\t one \t", "x-a: \u0080\u00ff", "X-B: a\tb", "X-A: three", "X-Empty:"));
        Assert.Contains("\r\nX-A: one\r\nx-a: \u0080\u00ff\r\nX-B: a\tb\r\nX-A: three\r\nX-Empty: \r\n", sent.Replace("X-Empty:\r\n", "X-Empty: \r\n", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_29_and_33_what_is_for_this_hop_is_not_forwarded_and_nothing_is_upgraded()
    {
        string sent = await bench.ForwardedAsync(bench.Get(
            "Connection: Upgrade, HTTP2-Settings, X-Hop, keep-alive, TE", "X-Hop: secret-of-this-hop", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: trailers, deflate",
            "Trailer: X-T", "Upgrade: h2c, websocket", "HTTP2-Settings: AAMAAABkAAQ", "Proxy-Authorization: Basic eA==", "Proxy-Authenticate: Basic", "Via: 1.1 a",
            "X-Forwarded-For: 1.2.3.4", "X-Real-IP: 1.2.3.4"));
        foreach (string gone in new[] { "X-Hop", "secret-of-this-hop", "Keep-Alive", "Proxy-", "TE:", "Trailer", "Upgrade", "HTTP2", "Via:", "X-Forwarded", "X-Real", "1.2.3.4" })
        {
            Assert.DoesNotContain(gone, sent, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task Row_31_a_refusal_comes_before_any_100_and_the_body_is_not_waited_for()
    {
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync("POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
        string answer = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
        WireBench.AssertOneError(answer, 401);
    }

    [Fact]
    public async Task Row_31_an_upstream_100_is_relayed_and_the_body_follows_it()
    {
        await using WireBench own = await WireBench.StartAsync(script: async peer =>
        {
            string head = await peer.ReadHeadAsync();
            Assert.Contains("Expect: 100-continue\r\n", head, StringComparison.Ordinal);
            await peer.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
            await peer.SendAsync(RawUpstream.Ok(await peer.ReadAsync(5)));
            await peer.WaitForEndAsync();
        });
        await using RawClient client = await own.Gateway.ConnectAsync();
        await client.SendAsync(own.Post("Expect: 100-continue", "Content-Length: 5"));
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Encoding.Latin1.GetString(await client.ReadThroughAsync("\r\n\r\n"u8.ToArray())));
        await client.SendAsync("hello");
        Assert.Contains("hello", (await client.ReceiveAsync()).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 05", "hello", "Content-Length: 5\r\n")]
    [InlineData("Content-Length: 00000000000000000000005", "hello", "Content-Length: 5\r\n")]
    [InlineData("Transfer-Encoding: CHUNKED", "5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n")]
    public async Task Rows_37_and_38_framing_is_restated_in_one_form(string field, string body, string restated)
    {
        string sent = await bench.ForwardedAsync(bench.Post(field) + body);
        Assert.Contains(restated, sent, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + body, sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("GET")]
    public async Task Row_40_without_framing_there_is_no_body_and_what_follows_is_the_next_request(string method)
    {
        int before = bench.Upstream.Received.Length;
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Request($"{method} /anthropic/v1/one HTTP/1.1", "x-nonce: one") + bench.Get("x-nonce: two"));
        Assert.Contains("one", (await client.ReceiveAsync()).Text, StringComparison.Ordinal);
        Assert.Contains("two", (await client.ReceiveAsync()).Text, StringComparison.Ordinal);
        Assert.Contains("GET /v1/models", bench.Upstream.Received[before..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "Content-Length: 5", "hello")]
    [InlineData("HEAD", "Content-Length: 5", "hello")]
    [InlineData("DELETE", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("OPTIONS", "Content-Length: 5", "hello")]
    public async Task Row_41_a_body_is_framed_alike_on_every_method(string method, string field, string body)
    {
        int before = bench.Upstream.Received.Length;
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Request($"{method} /anthropic/v1/models HTTP/1.1", field) + body + bench.Get("x-nonce: behind"));
        Assert.Equal(200, (await client.ReceiveAsync(method)).Status);
        Assert.Contains("behind", (await client.ReceiveAsync("GET")).Text, StringComparison.Ordinal);
        Assert.Contains("\r\n\r\n" + body + "GET /v1/models HTTP/1.1\r\n", bench.Upstream.Received[before..], StringComparison.Ordinal);
    }

    /// <summary>Chunked bodies that must be refused; what of them had left is cut off, never completed.</summary>
    public static TheoryData<string> BrokenChunks =>
    [
        "5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n", "5_0\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5\t\r\nhello\r\n0\r\n\r\n", "\0005\r\nhello\r\n0\r\n\r\n", "5\0\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "5,5\r\nhello\r\n0\r\n\r\n", "00000000000000005\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "8000000000000000\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n", "5;\r\nhello\r\n0\r\n\r\n", "5;a=\r\nhello\r\n0\r\n\r\n", "5;a=\"b\r\nhello\r\n0\r\n\r\n", "5;a\nb\r\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "5;\0\r\nhello\r\n0\r\n\r\n", "5;a b\r\nhello\r\n0\r\n\r\n", "5 ;a\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n0\r\nX\r\n\r\n",
        "5\r\nhello\r\n0\r\n X: y\r\n\r\n", "5\r\nhello\r\n0\r\nX : y\r\n\r\n", "5\r\nhello\r\n0\r\nX: a\0\r\n\r\n", "5\r\nhello\r\n0\r\nX: a\nY: b\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
        "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\nHost: a\r\n\r\n", "5\r\nhello\r\n0\r\nAuthorization: x\r\n\r\n", "5\r\nhello\r\n0\r\nx-api-key: a\r\n\r\n",
        "5\r\nhello\r\n0\r\nx-litellm-api-key: a\r\n\r\n", "5\r\nhello\r\n0\r\ncontent_length: 5\r\n\r\n", "5\r\nhello\r\n0\r\nConnection: close\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Type: x\r\n\r\n",
    ];

    [Theory]
    [MemberData(nameof(BrokenChunks))]
    public async Task Rows_42_to_45_a_broken_chunked_body_is_a_400_and_its_upstream_request_is_never_completed(string body)
    {
        await using RawClient client = await bench.Gateway.ConnectAsync();
        int before = bench.Upstream.Connections;
        await client.SendAsync(bench.Post("Transfer-Encoding: chunked", "x-nonce: broken") + body + bench.Request("GET /anthropic/v1/smuggled HTTP/1.1"));
        WireBench.AssertOneError(Encoding.Latin1.GetString(await client.ReceiveAllAsync()), 400);
        await bench.NextIsServedAsync();

        // The connection it had begun on was cut: the next client has one of its own, and nothing was served on the old one.
        Assert.InRange(bench.Upstream.Connections, before, before + 2);
        Assert.DoesNotContain("smuggled", bench.Upstream.Received, StringComparison.Ordinal);
        Assert.All(bench.Upstream.Peers, peer => Assert.False(peer.Received.Contains("x-nonce: broken", StringComparison.Ordinal) && peer.Received.EndsWith("0\r\n\r\n", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Rows_43_and_45_extensions_and_trailers_are_checked_and_dropped()
    {
        string sent = await bench.ForwardedAsync(bench.Post("Transfer-Encoding: chunked") + "5;a;b=c ; d=\"e\\\" f\"\r\nhello\r\n0;x\r\nX-Sum: 1\r\nX-Other: \u00e9\r\n\r\n");
        Assert.EndsWith("\r\n\r\n5\r\nhello\r\n0\r\n\r\n", sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("line", 4 * 1024)]
    [InlineData("extensions", 16 * 1024)]
    [InlineData("trailers", 8 * 1024)]
    public async Task Section_7_what_surrounds_the_data_of_chunks_is_limited(string what, int limit)
    {
        string body = what switch
        {
            "line" => "1;a=" + new string('x', limit) + "\r\na\r\n0\r\n\r\n",
            "extensions" => string.Concat(Enumerable.Repeat("1;a=" + new string('x', 1020) + "\r\na\r\n", (limit / 1020) + 1)) + "0\r\n\r\n",
            _ => "0\r\n" + string.Concat(Enumerable.Repeat("X: " + new string('x', 1000) + "\r\n", (limit / 1000) + 1)) + "\r\n",
        };
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Post("Transfer-Encoding: chunked") + body);
        WireBench.AssertOneError(Encoding.Latin1.GetString(await client.ReceiveAllAsync()), 400);
        await bench.NextIsServedAsync();
    }

    [Theory]
    [InlineData("Content-Length: 10", "hello")]
    [InlineData("Transfer-Encoding: chunked", "a\r\nhello")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhello\r\n")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n")]
    public async Task Row_46_a_body_that_is_cut_is_never_sent_as_complete_and_its_connection_never_reused(string field, string part)
    {
        TaskCompletionSource<string> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WireBench own = await WireBench.StartAsync(script: async peer =>
        {
            _ = await peer.ReadHeadAsync();
            await peer.WaitForEndAsync();
            ended.TrySetResult(peer.Received);
        });
        await using (RawClient client = await own.Gateway.ConnectAsync())
        {
            await client.SendAsync(own.Post(field) + part);
            while (own.Upstream.Received.Length == 0 || !own.Upstream.Received.Contains("hello", StringComparison.Ordinal))
            {
                await Task.Yield();
            }
        }

        string sent = await ended.Task;
        Assert.EndsWith(part, sent, StringComparison.Ordinal);
        own.Upstream.Script = RawUpstream.HonestAsync;
        await own.NextIsServedAsync();
        Assert.Equal(2, own.Upstream.Connections);
    }

    [Theory]
    [InlineData("x-litellm-api-key: sk-wrong-wrong-wrong-1", 401)]
    [InlineData("x-nothing: x", 401)]
    public async Task Row_47_the_body_of_a_refused_request_is_never_the_next_request(string credential, int status)
    {
        int before = bench.Upstream.Received.Length;
        string smuggled = bench.Request("GET /anthropic/v1/smuggled HTTP/1.1");
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\n{credential}\r\nContent-Length: {smuggled.Length}\r\n\r\n{smuggled}");
        Assert.Equal(status, (await client.ReceiveAsync()).Status);
        await client.SendAsync(bench.Get("x-nonce: after"));
        Assert.Contains("after", (await client.ReceiveAsync("GET")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("smuggled", bench.Upstream.Received[before..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 33554433")]
    [InlineData("Content-Length: 9223372036854775807")]
    public async Task Section_7_a_body_over_its_limit_is_a_413_at_once(string field) => await bench.RefusedAsync(bench.Post(field), 413);

    [Fact]
    public async Task Section_7_a_chunked_body_is_counted_as_it_comes()
    {
        await using WireBench own = await WireBench.StartAsync(limits => limits with { MaxMessageBody = 10 });
        await using RawClient client = await own.Gateway.ConnectAsync();
        await client.SendAsync(own.Post("Transfer-Encoding: chunked") + "5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n");
        WireBench.AssertOneError(Encoding.Latin1.GetString(await client.ReceiveAllAsync()), 413);
    }

    [Fact]
    public async Task Section_7_what_must_be_taken_is_taken()
    {
        string target = "/v1/" + new string('a', (7 * 1024) - 4);
        Assert.StartsWith($"GET {target} ", await bench.ForwardedAsync(bench.Request($"GET {Prefix}{target} HTTP/1.1")), StringComparison.Ordinal);
        string large = new('b', (16 * 1024) - 4);
        Assert.Contains(large, await bench.ForwardedAsync(bench.Get("X: " + large)), StringComparison.Ordinal);
        Assert.Contains("X-89: y", await bench.ForwardedAsync(bench.Get([.. Enumerable.Range(1, 89).Select(n => $"X-{n}: y")])), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x-litellm-api-key: sk-wrong-wrong-wrong-1")]
    [InlineData("x-litellm-api-key:")]
    [InlineData("Cookie: x-litellm-api-key={key}")]
    [InlineData("Proxy-Authorization: Bearer {key}")]
    [InlineData("x-litellm-api-keys: {key}")]
    [InlineData("x-litellm-key: {key}")]
    [InlineData("X-Key: {key}")]
    [InlineData("x-litellm-api-key: {key}x")]
    [InlineData("x-litellm-api-key: \"{key}\"")]
    public async Task Row_61_no_key_or_a_wrong_one_or_one_in_the_wrong_place_is_a_401(string field)
    {
        int before = bench.Upstream.Received.Length;
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync($"GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\n{field.Replace("{key}", bench.Key, StringComparison.Ordinal)}\r\n\r\n");
        RawResponse response = await client.ReceiveAsync("GET");
        Assert.Equal(401, response.Status);
        Assert.DoesNotContain(bench.Key, response.Text, StringComparison.Ordinal);
        Assert.Equal(before, bench.Upstream.Received.Length);
        await bench.NextIsServedAsync();
    }

    [Fact]
    public async Task Row_61_a_key_in_the_query_is_refused_even_beside_the_field() => await RefusedInTargetAsync("/anthropic/v1/models?key=");

    [Fact]
    public async Task Row_62_each_request_of_a_connection_is_judged_by_itself()
    {
        int before = bench.Upstream.Received.Length;
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get("x-nonce: first") + "GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-nonce: second\r\n\r\n" + bench.Get("x-nonce: third"));
        Assert.Equal(200, (await client.ReceiveAsync("GET")).Status);
        Assert.Equal(401, (await client.ReceiveAsync("GET")).Status);
        Assert.Contains("third", (await client.ReceiveAsync("GET")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("second", bench.Upstream.Received[before..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_63_the_key_leaves_in_no_field_and_in_no_part_of_one()
    {
        string key = bench.Key;
        string sent = await bench.ForwardedAsync(bench.Get(
            $"X-Copy: {key}", $"X-Inside: a{key}b", $"Cookie: k={key}", $"Accept-Encoding: gzip;{key}", $"x-litellm-other: {key}", $"User-Agent: {key}", $"x-{key}: 1", $"Proxy-Authorization: {key}"));
        Assert.DoesNotContain(key, sent, StringComparison.Ordinal);
        Assert.DoesNotContain("litellm", sent, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("Authorization: Bearer sk-ant-oat01-client", "Authorization: Bearer sk-ant-oat01-client")]
    [InlineData("x-api-key: sk-ant-api03-client", "x-api-key: sk-ant-api03-client")]
    [InlineData("x-none: 1", "x-api-key: sk-ant-api03-company-server-key")]
    public async Task Row_64_exactly_one_credential_leaves(string field, string credential)
    {
        string sent = await bench.ForwardedAsync(bench.Get(field));
        Assert.Contains($"\r\n{credential}\r\n", sent, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, sent.Split("\r\n").Count(line => line.StartsWith("x-api-key:", StringComparison.OrdinalIgnoreCase) || line.StartsWith("authorization:", StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task Section_9_a_request_that_comes_back_is_answered_508()
    {
        await using WireBench own = await WireBench.StartAsync();
        string marker = (await own.ForwardedAsync(own.Get("CDN-Loop: other; v=1"))).Split("\r\n").Last(line => line.StartsWith("CDN-Loop:", StringComparison.Ordinal));
        Assert.Contains("CDN-Loop: other; v=1\r\n", own.Upstream.Received, StringComparison.Ordinal);
        await using RawClient client = await own.Gateway.ConnectAsync();
        await client.SendAsync(own.Get("CDN-Loop: other; v=1", "cdn-loop: fastly, " + marker["CDN-Loop: ".Length..] + "; hops=1"));
        RawResponse response = await client.ReceiveAsync("GET");
        Assert.Equal(508, response.Status);
        Assert.Contains("api_error", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Section_10_pipelined_requests_are_answered_in_order_and_one_at_a_time()
    {
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(string.Concat(Enumerable.Range(0, 100).Select(n => bench.Get($"x-nonce: n{n}."))));
        for (int n = 0; n < 100; n++)
        {
            Assert.Contains($"n{n}.", (await client.ReceiveAsync("GET")).Text, StringComparison.Ordinal);
        }
    }

    private async Task RefusedInTargetAsync(string target) => await bench.RefusedKeepingConnectionAsync(bench.Request($"GET {target}{bench.Key} HTTP/1.1"), 400);
}
