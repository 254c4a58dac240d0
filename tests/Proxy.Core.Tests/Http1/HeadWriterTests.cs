using Proxy.Core.Http1;
using static Proxy.Core.Tests.Http1.Heads;

namespace Proxy.Core.Tests.Http1;

public sealed class HeadWriterTests
{
    private const string Key = "sk-gateway-1";

    [Fact]
    public void Row_48_a_request_leaves_with_our_host_our_credential_and_one_framing()
    {
        string written = Write(Post("Accept: */*", "Authorization: Bearer " + Key, "Content-Length: 007"), credential: "x-api-key: sk-company\r\n");
        Assert.Equal(
            "POST /v1/messages HTTP/1.1\r\nHost: up.example\r\nAccept: */*\r\nAccept-Encoding: identity\r\n" +
            "x-api-key: sk-company\r\nContent-Length: 7\r\n\r\n",
            written);
    }

    [Fact]
    public void A_request_in_HTTP_1_0_leaves_as_HTTP_1_1() =>
        Assert.Equal("GET /x HTTP/1.1\r\nHost: up.example\r\nAccept-Encoding: identity\r\n\r\n", Write("GET /x HTTP/1.0\r\n\r\n"));

    [Theory]
    [InlineData("Content-Length: 0", "Content-Length: 0\r\n")]
    [InlineData("content-length:\t 0042 ", "Content-Length: 42\r\n")]
    [InlineData("Content-Length: 9223372036854775807", "Content-Length: 9223372036854775807\r\n")]
    [InlineData("transfer-encoding: CHUNKED", "Transfer-Encoding: chunked\r\n")]
    [InlineData("X: y", "X: y\r\nAccept-Encoding: identity\r\n")]
    public void Rows_37_and_38_framing_is_restated(string line, string end) =>
        Assert.EndsWith(end + "\r\n", Write(Post(line)), StringComparison.Ordinal);

    [Theory]
    [InlineData("Connection: close")]
    [InlineData("Connection: keep-alive")]
    [InlineData("Keep-Alive: timeout=5")]
    [InlineData("Proxy-Connection: keep-alive")]
    [InlineData("TE: trailers")]
    [InlineData("Trailer: x")]
    [InlineData("Upgrade: websocket")]
    [InlineData("HTTP2-Settings: AAMAAABk")]
    [InlineData("Proxy-Authorization: Basic x")]
    [InlineData("Proxy-Authenticate: Basic")]
    [InlineData("X-Forwarded-For: 1.2.3.4")]
    [InlineData("x-forwarded-host: b")]
    [InlineData("Forwarded: for=x")]
    [InlineData("X-Real-IP: 1.2.3.4")]
    [InlineData("Via: 1.1 x")]
    [InlineData("x-litellm-api-key: x")]
    [InlineData("X-LiteLLM-Tags: a,b")]
    [InlineData("x-litellm-anything: x")]
    [InlineData("api-key: x")]
    [InlineData("x-goog-api-key: x")]
    [InlineData("Ocp-Apim-Subscription-Key: x")]
    [InlineData("x-pass-anthropic-beta: x")]
    [InlineData("Cookie: a=b")]
    [InlineData("Authorization: Bearer x")]
    [InlineData("X-API-Key: x")]
    [InlineData("Expect: 100-continue")]
    public void Rows_21_29_and_63_fields_of_this_hop_and_of_the_gateway_stay_here(string line) =>
        Assert.Equal(Write(Get("A: b", "C: d")), Write(Get("A: b", line, "C: d")));

    [Theory]
    [InlineData("Authorization")]
    [InlineData("x-api-key")]
    public void Row_64_the_clients_credential_leaves_only_when_it_is_the_one(string name)
    {
        string head = Get("Authorization: Bearer a", "x-api-key: b");
        string written = Write(head, authorization: name == "Authorization", apiKey: name == "x-api-key");
        Assert.Equal(name == "Authorization", written.Contains("Authorization: Bearer a\r\n", StringComparison.Ordinal));
        Assert.Equal(name == "x-api-key", written.Contains("x-api-key: b\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public void Row_29_nominated_fields_stay_here_every_one_of_them()
    {
        string written = Write(Get("X-A: 1", "X-B: 2", "x-a: 3", "Connection: x-A", "X-AB: 4", "Connection: nothing, x-c", "X-C: 5"));
        Assert.Equal("GET /v1/models HTTP/1.1\r\nHost: up.example\r\nX-B: 2\r\nX-AB: 4\r\nAccept-Encoding: identity\r\n\r\n", written);
    }

    [Theory]
    [InlineData("X: " + Key)]
    [InlineData("X: a" + Key + "b")]
    [InlineData("User-Agent: x (" + Key + ")")]
    [InlineData("Content-Type: x; y=" + Key)]
    [InlineData("x-claude-code-session-id: " + Key)]
    [InlineData("Accept-Encoding: gzip;q=" + Key)]
    [InlineData("Accept-Encoding: br, identity;" + Key)]
    [InlineData("X-" + Key + ": y")]
    [InlineData("Authorization: Bearer " + Key)]
    [InlineData("x-api-key: " + Key)]
    public void Row_63_the_gateway_key_leaves_in_no_field(string line)
    {
        string written = Write(Get("A: b", line), authorization: true, apiKey: true);
        Assert.DoesNotContain(Key, written, StringComparison.Ordinal);
        Assert.Contains("A: b\r\n", written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip, deflate, br, zstd", ContentCodings.Gzip | ContentCodings.Brotli, "gzip, br")]
    [InlineData("gzip, deflate, br, zstd", ContentCodings.Gzip, "gzip")]
    [InlineData("gzip, deflate, br", ContentCodings.Identity, null)]
    [InlineData("zstd", ContentCodings.Gzip, null)]
    [InlineData("*", ContentCodings.Gzip, null)]
    [InlineData("", ContentCodings.Gzip, null)]
    [InlineData(",, ,", ContentCodings.Gzip, null)]
    [InlineData("GZIP;q=0.5 ,\tBr ; q=1,zstd;q=1", ContentCodings.Gzip | ContentCodings.Brotli, "GZIP;q=0.5, Br ; q=1")]
    [InlineData("x-gzip, identity;q=0", ContentCodings.Gzip, "x-gzip, identity;q=0")]
    [InlineData("gzipx, xgzip, b r", ContentCodings.Gzip | ContentCodings.Brotli, null)]
    public void Only_codings_that_the_meter_reads_are_offered(string offer, ContentCodings accepted, string? expected)
    {
        string written = Write(Get("accept-encoding: " + offer, "X: y"), codings: accepted);
        Assert.Equal(expected is null ? Write(Get("X: y")) : $"GET /v1/models HTTP/1.1\r\nHost: up.example\r\naccept-encoding: {expected}\r\nX: y\r\n\r\n", written);
    }

    [Fact]
    public void Rows_25_to_27_values_names_and_order_are_kept_and_the_line_is_ours()
    {
        string head = Get("B: \u0080\u00ff", "a:1", "B:  2 ", "c:", "D: ", "e:\tx\ty\t", "User-Agent: a (b) ");
        Assert.Equal(
            "GET /v1/models HTTP/1.1\r\nHost: up.example\r\nB: \u0080\u00ff\r\na: 1\r\nB: 2\r\n" +
            "c: \r\nD: \r\ne: x\ty\r\nUser-Agent: a (b)\r\nAccept-Encoding: identity\r\n\r\n",
            Write(head));
    }

    [Theory]
    [InlineData("/", "", "", "/")]
    [InlineData("/", "", "?q=/x", "/?q=/x")]
    [InlineData("/", "/a%2Fb", "?c=%7E", "/a%2Fb?c=%7E")]
    public void Rows_15_and_16_the_target_is_one_path_and_its_query(string target, string path, string query, string expected) =>
        Assert.StartsWith($"GET {expected} HTTP/1.1\r\nHost: up.example\r\n", Write(Target(target), path: path, query: query), StringComparison.Ordinal);

    [Fact]
    public void Row_6_the_method_leaves_in_its_own_case() =>
        Assert.StartsWith("pURGE /x HTTP/1.1\r\n", Write("pURGE /x HTTP/1.1\r\nHost: a\r\n\r\n"), StringComparison.Ordinal);

    [Fact]
    public void Row_31_the_expectation_leaves_with_its_body()
    {
        Assert.Contains("\r\nExpect: 100-continue\r\n", Write(Post("Expect: 100-continue", "Content-Length: 1")), StringComparison.Ordinal);
        Assert.DoesNotContain("Expect", Write("POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_destination_that_is_too_small_is_told_at_every_size()
    {
        RequestHead parsed = new();
        HeadReader.Request(ClaudeCode, parsed, out byte[] head);
        byte[] destination = new byte[2048];
        int whole = RequestHeadWriter.Write(destination, head, parsed, Outbound(head, parsed));
        Assert.InRange(whole, 500, 1024);
        for (int size = 0; size < whole; size++)
        {
            Assert.Equal(-1, RequestHeadWriter.Write(destination.AsSpan(0, size), head, parsed, Outbound(head, parsed)));
        }

        Assert.Equal(whole, RequestHeadWriter.Write(destination.AsSpan(0, whole), head, parsed, Outbound(head, parsed)));
    }

    private static OutboundRequest Outbound(byte[] head, RequestHead parsed) =>
        new() { Path = parsed.Path.Of(head), Query = parsed.Query.Of(head), Authority = "up.example"u8, AcceptedCodings = ContentCodings.Gzip };

    private static string Write(
        string text, string credential = "", bool authorization = false, bool apiKey = false,
            ContentCodings codings = ContentCodings.Gzip | ContentCodings.Brotli, string? path = null, string? query = null)
    {
        RequestHead parsed = new();
        Assert.Equal(HeadError.None, HeadReader.Request(text, parsed, out byte[] head));
        OutboundRequest outbound = Outbound(head, parsed);
        outbound.Path = path is null ? outbound.Path : Bytes(path);
        outbound.Query = query is null ? outbound.Query : Bytes(query);
        outbound.CredentialLine = Bytes(credential);
        outbound.ForwardAuthorization = authorization;
        outbound.ForwardApiKey = apiKey;
        outbound.GatewayKey = Bytes(Key);
        outbound.AcceptedCodings = codings;
        byte[] destination = new byte[4096];
        return Text(destination.AsSpan(0, RequestHeadWriter.Write(destination, head, parsed, outbound)));
    }
}
