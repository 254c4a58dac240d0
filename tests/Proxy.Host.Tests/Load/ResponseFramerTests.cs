using System.Text;
using Proxy.LoadTests.Client;

namespace Proxy.Host.Tests.Load;

/// <summary>A framer that ends a response too early or too late would make every figure of the load wrong.</summary>
public sealed class ResponseFramerTests
{
    /// <summary>Response, status, bytes of content.</summary>
    public static TheoryData<string, int, int> Whole => new()
    {
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5 },
        { "HTTP/1.1 200 OK\r\ncontent-length:5\r\nx: y\r\n\r\nhello", 200, 5 },
        { "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, 0 },
        { "HTTP/1.1 204 No Content\r\n\r\n", 204, 0 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n", 200, 15 },
        { "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n000\r\nx-trailer: 1\r\ny: 2\r\n\r\n", 200, 0 },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, 1 },
        { "HTTP/1.1 200 OK\r\nx-content-length: 9\r\ncontent-length: 1\r\n\r\nx", 200, 1 },
    };

    [Theory]
    [MemberData(nameof(Whole))]
    public void Finds_the_end_wherever_reads_cut_the_response(string response, int status, int bodyBytes)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(response);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            ResponseFramer framer = default;
            int taken = framer.Feed(bytes.AsSpan(0, cut));
            Assert.Equal(cut, taken);
            Assert.Equal(cut == bytes.Length, framer.IsEnded);
            framer.Feed(bytes.AsSpan(cut));
            AssertComplete(framer, status, bodyBytes);
        }

        ResponseFramer slow = default;
        foreach (byte one in bytes)
        {
            Assert.Equal(1, slow.Feed([one]));
        }

        AssertComplete(slow, status, bodyBytes);
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public void Takes_nothing_behind_the_end_and_begins_anew(string response, int status, int bodyBytes)
    {
        byte[] twice = Encoding.ASCII.GetBytes(response + response);
        ResponseFramer framer = default;
        Assert.Equal(response.Length, framer.Feed(twice));
        framer.Reset();
        Assert.Equal(response.Length, framer.Feed(twice.AsSpan(response.Length)));
        AssertComplete(framer, status, bodyBytes);
    }

    [Theory]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1111111111111111\r\n")]
    public void Framing_that_no_good_server_sends_is_broken(string response)
    {
        ResponseFramer framer = default;
        framer.Feed(Encoding.ASCII.GetBytes(response));
        Assert.Equal(FramerState.Broken, framer.State);
    }

    [Fact]
    public void A_response_that_closes_its_connection_says_so()
    {
        ResponseFramer framer = default;
        framer.Feed("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8);
        Assert.True(framer.Closes);
    }

    private static void AssertComplete(ResponseFramer framer, int status, int bodyBytes) =>
        Assert.Equal((FramerState.Complete, status, (long)bodyBytes), (framer.State, framer.Status, framer.BodyBytes));
}
