using System.Text;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Wire;

/// <summary>
/// Behind the last answer of a connection the gateway ends its side at once and reads on for a while: what a client still sends then, because it had not seen
/// the answer, does not reset the answer away (RFC 9112 §9.6).
/// </summary>
public sealed class LastAnswerTests
{
    public static TheoryData<string, string, int> LastRequests => new()
    {
        { "a malformed line", "GET / HTTP/1.1\nX: y\r\n", 400 },
        { "a malformed head that is complete", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "an unknown version", "POST /anthropic/v1/messages HTTP/1.9\r\nHost: a\r\n\r\n", 505 },
        { "an unknown key and a body of unknown length", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 401 },
        { "a body that is too large", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nContent-Length: 40000000\r\n\r\n", 413 },
        { "a chunk that is malformed", "POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400 },
        { "the client's wish", "GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {key}\r\nConnection: close\r\n\r\n", 200 },
        { "HTTP/1.0", "GET /anthropic/v1/models HTTP/1.0\r\nx-litellm-api-key: {key}\r\n\r\n", 200 },
    };

    [Theory]
    [MemberData(nameof(LastRequests))]
    public async Task What_comes_behind_the_last_answer_does_not_reset_it_away(string why, string request, int status)
    {
        await using WireBench bench = await WireBench.StartAsync(limits => limits with { LingerTimeout = TimeSpan.FromMinutes(1) });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(request.Replace("{key}", bench.Key, StringComparison.Ordinal));
        string answer = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
        Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), why + ": " + answer);
        Assert.Contains("Connection: close\r\n", answer, StringComparison.OrdinalIgnoreCase);
        int upstream = bench.Upstream.Received.Length;

        string late = bench.Get("x-nonce: late") + new string('x', 16 * 1024);
        for (int i = 0; i < 16; i++)
        {
            await client.SendAsync(late);
        }

        // Still the end, and no reset.
        Assert.Empty(await client.ReceiveAllAsync());
        Assert.Equal(upstream, bench.Upstream.Received.Length);
    }

    [Fact]
    public async Task An_answer_that_a_slow_reader_takes_in_pieces_is_whole_before_the_connection_ends()
    {
        byte[] body = new byte[8 * 1024 * 1024];
        new Random(4).NextBytes(body);
        await using WireBench bench = await WireBench.StartAsync(script: async peer =>
        {
            _ = await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n");
            await peer.SendAsync(Encoding.Latin1.GetString(body));
        });
        await using RawClient client = await bench.Gateway.ConnectAsync();
        await client.SendAsync(bench.Get());
        _ = await client.ReadThroughAsync("\r\n\r\n"u8.ToArray());
        byte[] received = await client.ReceiveAllAsync();
        Assert.True(received.AsSpan().SequenceEqual(body), $"{received.Length} of {body.Length} bytes");
    }
}
