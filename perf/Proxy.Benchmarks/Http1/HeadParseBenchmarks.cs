using System.Buffers;
using BenchmarkDotNet.Attributes;
using Proxy.Core.Http1;
using Proxy.Core.Tests.Http1;

namespace Proxy.Benchmarks.Http1;

/// <summary>What a request head and a response head cost: find the end, parse, write anew.</summary>
[MemoryDiagnoser]
public class HeadParseBenchmarks
{
    private readonly byte[] _request = Heads.Bytes(Heads.ClaudeCode);
    private readonly byte[] _response = HeadSamples.Response();
    private readonly byte[] _destination = new byte[2048];
    private readonly RequestHead _parsedRequest = new();
    private readonly ResponseHead _parsedResponse = new();

    [GlobalSetup]
    public void Setup()
    {
        Check(ParseRequest());
        Check(ParseResponse());
    }

    [Benchmark]
    public HeadStatus ScanRequest()
    {
        HeadScanner scanner = default;
        return scanner.Scan(new ReadOnlySequence<byte>(_request), HeadLimits.Request, isRequest: true);
    }

    [Benchmark]
    public HeadError ParseRequest() => _parsedRequest.Parse(_request, HeadLimits.Request);

    [Benchmark]
    public int WriteRequest()
    {
        OutboundRequest outbound = new()
        {
            Path = _parsedRequest.Path.Of(_request),
            Query = _parsedRequest.Query.Of(_request),
            Authority = "api.example"u8,
            CredentialLine = "x-api-key: sk-company-0123456789\r\n"u8,
            GatewayKey = "sk-0123456789abcdef0123456789"u8,
            AcceptedCodings = ContentCodings.Gzip | ContentCodings.Brotli,
        };
        return RequestHeadWriter.Write(_destination, _request, _parsedRequest, outbound);
    }

    [Benchmark]
    public HeadError ParseResponse() => _parsedResponse.Parse(_response, MethodId.Post, HeadLimits.Response);

    [Benchmark]
    public int WriteResponse() => ResponseHeadWriter.Write(
        _destination, _response, _parsedResponse, new OutboundResponse { Framing = BodyFraming.Chunked, ClientVersion = 11 });

    private static void Check(HeadError error)
    {
        if (error != HeadError.None)
        {
            throw new InvalidOperationException(HeadErrors.MessageOf(error));
        }
    }
}
