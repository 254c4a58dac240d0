using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

/// <summary>What a head must be read as.</summary>
public sealed record AcceptedHead
{
    public MethodId Method { get; init; } = MethodId.Get;

    public string Token { get; init; } = "GET";

    public string Path { get; init; } = "/v1/models";

    public string Query { get; init; } = "";

    public int Version { get; init; } = 11;

    public BodyFraming Framing { get; init; }

    public long ContentLength { get; init; }

    public bool KeepAlive { get; init; } = true;

    public bool ExpectsContinue { get; init; }

    public static AcceptedHead Post { get; } = new() { Method = MethodId.Post, Token = "POST", Path = "/v1/messages" };

    public static AcceptedHead Read(byte[] head, RequestHead parsed) => new()
    {
        Method = parsed.Method,
        Token = Heads.Text(parsed.MethodToken.Of(head)),
        Path = Heads.Text(parsed.Path.Of(head)),
        Query = Heads.Text(parsed.Query.Of(head)),
        Version = parsed.Version,
        Framing = parsed.Framing,
        ContentLength = parsed.ContentLength,
        KeepAlive = parsed.KeepAlive,
        ExpectsContinue = parsed.ExpectsContinue,
    };
}
