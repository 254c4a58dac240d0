using Proxy.Core.Http1;
using static Proxy.Core.Tests.Http1.Heads;

namespace Proxy.Core.Tests.Http1;

public sealed class ResponseHeadWriterTests
{
    [Fact]
    public void A_stream_passes_with_its_fields_in_order_and_without_those_of_the_hop() =>
        Assert.Equal(
            "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
            "request-id: req_011\r\nServer: cloudflare\r\nTransfer-Encoding: chunked\r\n\r\n",
            Write(Answer, BodyFraming.Chunked));

    [Theory]
    [InlineData("Connection: keep-alive")]
    [InlineData("Keep-Alive: timeout=5")]
    [InlineData("Proxy-Connection: x")]
    [InlineData("Proxy-Authenticate: Basic")]
    [InlineData("Proxy-Authorization: Basic x")]
    [InlineData("TE: x")]
    [InlineData("Trailer: x")]
    [InlineData("Upgrade: h2c")]
    [InlineData("HTTP2-Settings: x")]
    [InlineData("Connection: X-Hop")]
    public void Row_29_fields_of_the_hop_stay_here(string line) =>
        Assert.Equal("HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n", Write(Response("HTTP/1.1 200 OK", "A: b", line, "Content-Length: 5"),
            BodyFraming.Length));

    [Fact]
    public void Row_29_fields_that_Connection_names_stay_here_but_not_the_ones_it_cannot_name() =>
        Assert.Equal(
            "HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 5\r\n\r\n",
            Write(Response("HTTP/1.1 200 OK", "X-Hop: 1", "Content-Type: x", "x-hop: 2", "Connection: x-hop, content-type, content-length",
                "Content-Length: 5"), BodyFraming.Length));

    [Fact]
    public void Row_25_and_49_obs_text_in_reason_and_value_passes_byte_for_byte() =>
        Assert.Equal("HTTP/1.1 299 \u00ff  x\r\nX: \u0080\u00fe\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n", Write(Response("HTTP/1.1 299 \u00ff  x",
            "X:\u0080\u00fe ", "Set-Cookie: a", "Set-Cookie: b"), BodyFraming.UntilClose));

    [Fact]
    public void Row_8_a_chunked_body_goes_to_HTTP_1_0_until_close() =>
        Assert.EndsWith("\r\nServer: cloudflare\r\nConnection: close\r\n\r\n", Write(Answer, BodyFraming.UntilClose, clientVersion: 10, close: true),
            StringComparison.Ordinal);

    [Fact]
    public void A_body_until_close_can_leave_in_chunks() =>
        Assert.Equal("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Write("HTTP/1.0 200 OK\r\n\r\n", BodyFraming.Chunked));

    [Theory]
    [InlineData(200, MethodId.Head, "Content-Length: 0042", "Content-Length: 42\r\n")]
    [InlineData(200, MethodId.Head, "Transfer-Encoding: chunked", "")]
    [InlineData(200, MethodId.Head, "X: y", "X: y\r\n")]
    [InlineData(304, MethodId.Get, "Content-Length: 42", "Content-Length: 42\r\n")]
    [InlineData(304, MethodId.Get, "Transfer-Encoding: chunked", "")]
    [InlineData(204, MethodId.Get, "Content-Length: 42", "")]
    [InlineData(204, MethodId.Get, "Content-Length: 0", "")]
    [InlineData(204, MethodId.Head, "Content-Length: 0", "")]
    [InlineData(100, MethodId.Post, "Content-Length: 42", "")]
    [InlineData(103, MethodId.Post, "Transfer-Encoding: chunked", "")]
    [InlineData(103, MethodId.Post, "Link: </a>", "Link: </a>\r\n")]
    public void Rows_52_and_53_only_HEAD_and_304_tell_a_length_without_a_body(int status, MethodId method, string line, string fields) =>
        Assert.Equal($"HTTP/1.1 {status} X\r\n{fields}\r\n", Write(Response($"HTTP/1.1 {status} X", line), BodyFraming.None, method));

    [Fact]
    public void A_length_is_restated() =>
        Assert.Equal("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", Write(Response("HTTP/1.1 200 ", "content-length:005"), BodyFraming.Length));

    [Theory]
    [InlineData(200, true)]
    [InlineData(103, false)]
    public void Close_is_said_in_final_heads_only(int status, bool says) =>
        Assert.Equal(says, Write(Response($"HTTP/1.1 {status} X"), BodyFraming.None, close: true).EndsWith("Connection: close\r\n\r\n",
            StringComparison.Ordinal));

    [Fact]
    public void A_destination_that_is_too_small_is_told_at_every_size()
    {
        ResponseHead parsed = new();
        HeadReader.Response(Answer, parsed, MethodId.Get, out byte[] head);
        OutboundResponse outbound = new() { Framing = BodyFraming.Chunked, ClientVersion = 11, Close = true };
        byte[] destination = new byte[1024];
        int whole = ResponseHeadWriter.Write(destination, head, parsed, outbound);
        for (int size = 0; size < whole; size++)
        {
            Assert.Equal(-1, ResponseHeadWriter.Write(destination.AsSpan(0, size), head, parsed, outbound));
        }

        Assert.Equal(whole, ResponseHeadWriter.Write(destination.AsSpan(0, whole), head, parsed, outbound));
    }

    private static string Write(string text, BodyFraming framing, MethodId method = MethodId.Get, int clientVersion = 11, bool close = false)
    {
        ResponseHead parsed = new();
        Assert.Equal(HeadError.None, HeadReader.Response(text, parsed, method, out byte[] head));
        byte[] destination = new byte[4096];
        OutboundResponse outbound = new() { Framing = framing, ClientVersion = clientVersion, Close = close };
        return Text(destination.AsSpan(0, ResponseHeadWriter.Write(destination, head, parsed, outbound)));
    }
}
