using System.Buffers;
using Microsoft.AspNetCore.Server.Kestrel.Core.Internal.Http;

namespace Proxy.Core.Tests.Http1;

/// <summary>How Kestrel's parser reads a head, or why it refuses.</summary>
internal readonly struct KestrelReading : IHttpRequestLineHandler, IHttpHeadersHandler
{
    private readonly StringWriter _text;

    private KestrelReading(StringWriter text) => _text = text;

    public static string Of(byte[] head)
    {
        KestrelReading reading = new(new StringWriter { NewLine = "\n" });
        HttpParser<KestrelReading> parser = new(showErrorDetails: true);
        SequenceReader<byte> reader = new(new ReadOnlySequence<byte>(head));
        try
        {
            if (!parser.ParseRequestLine(reading, ref reader) || !parser.ParseHeaders(reading, ref reader))
            {
                return "incomplete: " + Heads.Text(head);
            }
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            return "refused: " + e.Message + " " + Heads.Text(head);
        }

        return reader.End ? reading._text.ToString() : "ended early: " + Heads.Text(head);
    }

    public void OnStartLine(HttpVersionAndMethod versionAndMethod, TargetOffsetPathLength targetPath, Span<byte> startLine)
    {
        string line = Heads.Text(startLine);
        string method = line[..versionAndMethod.MethodEnd];
        string target = line[targetPath.Offset..].Split(' ')[0].TrimEnd('\r', '\n');
        _text.WriteLine($"{method} {target} {(versionAndMethod.Version == HttpVersion.Http11 ? 11 : 10)}");
    }

    public void OnHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => _text.WriteLine($"{Heads.Text(name)}|{Heads.Text(value)}");

    public void OnHeadersComplete(bool endStream)
    {
    }

    public void OnStaticIndexedHeader(int index) => throw new NotSupportedException();

    public void OnStaticIndexedHeader(int index, ReadOnlySpan<byte> value) => throw new NotSupportedException();
}
