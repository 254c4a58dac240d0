using Proxy.Core.Http1;
using static Proxy.Core.Tests.Http1.Heads;

namespace Proxy.Core.Tests.Http1;

/// <summary>Request heads that must be served, by the rows of the rules, and how they must be read.</summary>
internal sealed class AcceptedHeads : TheoryData<string, string, AcceptedHead>
{
    private static readonly AcceptedHead Get = new();
    private static readonly AcceptedHead Post = AcceptedHead.Post;
    private static readonly AcceptedHead Chunked = Post with { Framing = BodyFraming.Chunked };

    public AcceptedHeads()
    {
        RequestLines();
        Targets();
        Fields();
        Framing();
    }

    private static AcceptedHead Length(long length) => Post with { Framing = BodyFraming.Length, ContentLength = length };

    private void RequestLines()
    {
        Add("Claude Code", ClaudeCode, Length(48213) with { Query = "?beta=true" });
        Add("row 3 one empty line", "\r\n" + Target("/v1/models"), Get);
        Add("row 3 two empty lines", "\r\n\r\n" + Target("/v1/models"), Get);
        foreach (string method in (string[])["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "GET"])
        {
            Add("row 6 " + method, method + " / HTTP/1.1\r\nHost: a\r\n\r\n",
                Get with { Method = Enum.Parse<MethodId>(method, ignoreCase: true), Token = method, Path = "/" });
        }

        foreach (string method in (string[])["get", "Post", "connect", "Trace", "PURGE", "PROPFIND", "GETX", "!#$%&'*+-.^_`|~09", "PRI", new string('M', 32)])
        {
            Add("row 6 " + method, method + " / HTTP/1.1\r\nHost: a\r\n\r\n", Get with { Method = MethodId.Other, Token = method, Path = "/" });
        }

        Add("row 8 HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", Get with { Path = "/", Version = 10, KeepAlive = false });
        Add("row 8 HTTP/1.0 asks for keep-alive", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
            Get with { Path = "/", Version = 10, KeepAlive = false });
        Add("row 8 HTTP/1.0 with a body", "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n", Length(3) with { Path = "/", Version = 10, KeepAlive = false });
        Add("row 20 HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", Get with { Path = "/", Version = 10, KeepAlive = false });
    }

    private void Targets()
    {
        Accept("row 12 http", "http://b/v1/models", "/v1/models", "");
        Accept("row 12 https with a port and a query", "https://b:443/v1?x=/y", "/v1", "?x=/y");
        Accept("row 12 upper case scheme", "HTTP://B/", "/", "");
        Accept("row 12 IPv6", "http://[::1]:80/x", "/x", "");
        Accept("row 12 no path", "http://b", "", "");
        Accept("row 12 no path, a query", "http://b?q=http://c/", "", "?q=http://c/");
        foreach (string path in (string[])
            [
                "/%2F%5c%3b%7E", "/a%2fb", "/%41%4a", "/%7e%7E", "/a%20b", "/a;b=c;d", "/%C3%A4", "/...", "/.a", "/a.", "/..a", "/a..b",
                "/.well-known/x", "/a.b/c..d", "/a%2e%2eb", "/%2541", "/a:b@c", "/!$&'()*+,=-_~", "/[x]", "/{x}|^`\"<>",
            ])
        {
            Accept("row 15 " + path, path, path, "");
        }

        foreach (string query in (string[])["?", "??", "?a=%2F%5c&b=%7E", "?a=/../b", "?%zz", "?%", "?a=b?c", "?%2e%2e/", "?;:@[]{}|^`\"<>"])
        {
            Accept("row 15 query " + query, "/v1" + query, "/v1", query);
        }

        Accept("row 16 two slashes inside", "/a//b", "/a//b", "");
        Accept("row 16 two slashes at the end", "/a//", "/a//", "");
        Accept("row 18 encoded line end in the query", "/a?b=%0d%0aHost:%20c", "/a", "?b=%0d%0aHost:%20c");
        Accept("§7 target of 7 KiB", "/" + new string('a', 7 * 1024), "/" + new string('a', 7 * 1024), "");
        foreach (string host in (string[])["a:", "a:80", "a:65535", "a:00080", "A.example.", "127.0.0.1:8080", "[::1]", "[::1]:80",
            "[::ffff:1.2.3.4]:", "a_b-c~d", "xn--mnchen-3ya.de", "a \t"])
        {
            Add("row 20 Host " + host, $"GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n", Get);
        }

        Add("row 20 Host in another case, last", "GET /v1/models HTTP/1.1\r\nX: y\r\nhOsT:a\r\n\r\n", Get);
    }

    private void Fields()
    {
        foreach (string line in (string[])["X: \u0080\u00ff\u00e4", "X: a\tb", "X:", "X:a", "X: \t a b \t ", "X::", "!#$%&'*+-.^`|~09aZ: b", "x_y: z",
            "X: a,b;c=\"d\""])
        {
            Add("rows 23 to 26 '" + line + "'", Heads.Get(line), Get);
        }

        Add("row 27 a list field in three lines", Heads.Get("X: a", "x: b", "X: c"), Get);
        Add("row 29 close", Heads.Get("Connection: close"), Get with { KeepAlive = false });
        Add("row 29 CLOSE in a list", Heads.Get("Connection: keep-alive ,\tCLOSE,,"), Get with { KeepAlive = false });
        Add("row 29 close in the second field", Heads.Get("Connection: x", "X: y", "connection: close"), Get with { KeepAlive = false });
        Add("row 29 keep-alive", Heads.Get("Connection: keep-alive", "Keep-Alive: timeout=5"), Get);
        Add("row 29 closed is not close", Heads.Get("Connection: closed"), Get);
        Add("row 29 empty", Heads.Get("Connection:"), Get);
        Add("row 29 all hop-by-hop fields", Heads.Get("Connection: TE, Upgrade, HTTP2-Settings, keep-alive", "TE: trailers", "Trailer: x",
            "Proxy-Connection: close", "Proxy-Authorization: Basic x"), Get);
        Add("row 31 continue with a length", Heads.Post("Expect: 100-continue", "Content-Length: 5"), Length(5) with { ExpectsContinue = true });
        Add("row 31 continue in another case with chunks", Heads.Post("expect: 100-Continue", "Transfer-Encoding: chunked"),
            Chunked with { ExpectsContinue = true });
        Add("row 31 continue without a body", Heads.Post("Expect: 100-continue"), Post);
        Add("row 31 continue with length 0", Heads.Post("Expect: 100-continue", "Content-Length: 0"), Length(0));
        Add("row 31 continue in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            Length(5) with { Path = "/", Version = 10, KeepAlive = false });
        Add("row 32 another expectation in HTTP/1.0", "GET / HTTP/1.0\r\nExpect: x\r\n\r\n", Get with { Path = "/", Version = 10, KeepAlive = false });
        Add("row 33 upgrade to a web socket", Heads.Get("Connection: Upgrade", "Upgrade: websocket"), Get);
        Add("row 33 upgrade to h2c", Heads.Get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ"), Get);
        Add("§7 90 fields", Heads.Get([.. Enumerable.Repeat("X: y", 89)]), Get);
        Add("§7 100 fields", Heads.Get([.. Enumerable.Repeat("X: y", 99)]), Get);
        Add("§7 head of 16 KiB in one field", Heads.Get("X: " + new string('a', 16 * 1024 - 3)), Get);
    }

    private void Framing()
    {
        foreach ((string value, long length) in (ReadOnlySpan<(string, long)>)
            [("0", 0), ("5", 5), ("10485760", 10485760), ("9223372036854775807", long.MaxValue)])
        {
            Add("row 36 Content-Length " + value, Heads.Post("Content-Length: " + value), Length(length));
        }

        Add("row 37 leading zero", Heads.Post("Content-Length: 05"), Length(5));
        Add("row 37 many leading zeros", Heads.Post("Content-Length: 000000000000000000000000000005"), Length(5));
        Add("row 26 blanks around the length", Heads.Post("Content-Length:\t 5 \t"), Length(5));
        foreach (string value in (string[])["chunked", "Chunked", "CHUNKED", " \tchunked\t "])
        {
            Add("row 38 " + value, Heads.Post("Transfer-Encoding:" + value), Chunked);
        }

        Add("row 40 POST without a length", Heads.Post(), Post);
        Add("row 40 POST without a length that closes", Heads.Post("Connection: close"), Post with { KeepAlive = false });
        Add("row 40 POST in HTTP/1.0 without a length", "POST / HTTP/1.0\r\n\r\n", Post with { Path = "/", Version = 10, KeepAlive = false });
        Add("row 28 a field that only resembles", Heads.Post("Content-Lengthx: 5", "XTransfer-Encoding: chunked"), Post);
        foreach (string method in (string[])["GET", "HEAD", "DELETE", "OPTIONS"])
        {
            AcceptedHead bodied = Get with { Method = Enum.Parse<MethodId>(method, ignoreCase: true), Token = method, Path = "/" };
            Add("row 41 length on " + method, method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n",
                bodied with { Framing = BodyFraming.Length, ContentLength = 7 });
            Add("row 41 chunks on " + method, method + " / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                bodied with { Framing = BodyFraming.Chunked });
        }
    }

    private void Accept(string row, string target, string path, string query) => Add(row, Target(target), Get with { Path = path, Query = query });
}
