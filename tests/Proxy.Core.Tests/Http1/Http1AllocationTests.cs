using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

public sealed class Http1AllocationTests
{
    private const int Rounds = 2000;

    [Fact]
    public void Scanning_a_head_allocates_nothing()
    {
        ReadOnlySequence<byte> whole = new(Heads.Bytes(Heads.ClaudeCode));
        ReadOnlySequence<byte> cut = Segments.Of(Heads.Bytes(Heads.ClaudeCode), 300);
        AssertAllocatesNothing(() =>
        {
            HeadScanner scanner = default;
            scanner.Scan(cut.Slice(0, 400), HeadLimits.Request, isRequest: true);
            scanner.Scan(cut, HeadLimits.Request, isRequest: true);
            scanner = default;
            scanner.Scan(whole, HeadLimits.Request, isRequest: true);
        });
    }

    [Theory]
    [InlineData(Heads.ClaudeCode)]
    [InlineData("GET /a%20b/%7Ec HTTP/1.1\r\nHost: a\r\nConnection: close, X\r\nX: y\r\n\r\n")]
    [InlineData("GET /a/%2e%2e HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nx_api_key: x\r\n\r\n")]
    public void Parsing_a_request_allocates_nothing(string text)
    {
        byte[] head = Heads.Bytes(text);
        RequestHead parsed = new();
        AssertAllocatesNothing(() => parsed.Parse(head, HeadLimits.Request));
    }

    [Fact]
    public void Parsing_a_long_escaped_path_and_a_hundred_fields_allocates_nothing()
    {
        string path = "/" + string.Concat(Enumerable.Repeat("%41", 1000));
        byte[] head = Heads.Bytes($"GET {path} HTTP/1.1\r\nHost: a\r\n" + string.Concat(Enumerable.Repeat("X: y\r\n", 99)) + "\r\n");
        RequestHead parsed = new();
        Assert.Equal(HeadError.None, parsed.Parse(head, HeadLimits.Request));
        AssertAllocatesNothing(() => parsed.Parse(head, HeadLimits.Request));
    }

    [Fact]
    public void Parsing_and_writing_a_response_allocates_nothing()
    {
        byte[] head = Heads.Bytes(Heads.Answer);
        byte[] destination = new byte[1024];
        ResponseHead parsed = new();
        AssertAllocatesNothing(() =>
        {
            parsed.Parse(head, MethodId.Post, HeadLimits.Response);
            ResponseHeadWriter.Write(destination, head, parsed, new OutboundResponse { Framing = BodyFraming.Chunked, ClientVersion = 11, Close = true });
        });
    }

    [Fact]
    public void Writing_a_request_allocates_nothing()
    {
        byte[] head = Heads.Bytes(Heads.ClaudeCode);
        byte[] destination = new byte[2048];
        RequestHead parsed = new();
        parsed.Parse(head, HeadLimits.Request);
        AssertAllocatesNothing(() =>
        {
            OutboundRequest outbound = new()
            {
                Path = parsed.Path.Of(head),
                Query = parsed.Query.Of(head),
                Authority = "api.example"u8,
                CredentialLine = "x-api-key: sk-company\r\n"u8,
                GatewayKey = "sk-0123456789abcdef0123456789"u8,
                AcceptedCodings = ContentCodings.Gzip,
            };
            RequestHeadWriter.Write(destination, head, parsed, outbound);
            RequestHeadWriter.Write(destination.AsSpan(0, 100), head, parsed, outbound);
        });
    }

    [Theory]
    [InlineData("1;a=\"b\";c=d\r\nx\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n")]
    [InlineData("5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("5\r\nhelloworld")]
    public void Scanning_chunks_allocates_nothing(string text)
    {
        byte[] body = Heads.Bytes(text);
        AssertAllocatesNothing(() =>
        {
            ChunkScanner scanner = default;
            ReadOnlySpan<byte> rest = body;
            while (scanner.Next(rest, out int length) is ChunkPart.Data or ChunkPart.Framing or ChunkPart.Discard)
            {
                rest = rest[length..];
            }
        });
    }

    private static void AssertAllocatesNothing(Action action)
    {
        for (int i = 0; i < Rounds; i++)
        {
            action();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++)
        {
            action();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
