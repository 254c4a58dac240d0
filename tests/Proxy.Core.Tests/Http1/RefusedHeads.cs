using Proxy.Core.Http1;
using static Proxy.Core.Tests.Http1.Heads;

namespace Proxy.Core.Tests.Http1;

/// <summary>Request heads that must be refused, by the rows of the rules: name, head, error, status of the answer.</summary>
internal sealed class RefusedHeads : TheoryData<string, string, HeadError, int>
{
    public RefusedHeads()
    {
        RequestLines();
        Targets();
        Hosts();
        Fields();
        Framing();
    }

    private void RequestLines()
    {
        Add("row 1 bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", HeadError.BareLineFeed, 400);
        Add("row 1 bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", HeadError.BareLineFeed, 400);
        Add("row 1 bare LF as the last line", "GET / HTTP/1.1\r\nHost: a\r\n\n", HeadError.BareLineFeed, 400);
        Add("row 1 bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", HeadError.BareLineFeed, 400);
        Add("row 1 bare LF before the request line", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.BareLineFeed, 400);
        Add("row 1 LF CR in place of CR LF", "GET / HTTP/1.1\n\rHost: a\r\n\r\n", HeadError.BareLineFeed, 400);
        Add("row 2 bare CR in the target", Target("/\ra"), HeadError.BareCarriageReturn, 400);
        Add("row 2 bare CR in a value", Get("X: a\rb"), HeadError.BareCarriageReturn, 400);
        Add("row 2 bare CR in a name", Get("X\rY: a"), HeadError.BareCarriageReturn, 400);
        Add("row 2 two CR before LF, request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", HeadError.BareCarriageReturn, 400);
        Add("row 2 two CR before LF, field", Get("X: a\r"), HeadError.BareCarriageReturn, 400);
        Add("row 2 two CR before the last LF", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", HeadError.BareCarriageReturn, 400);
        Add("row 2 CR before the request line", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.BareCarriageReturn, 400);
        Add("row 2 NUL in the target", Target("/\0"), HeadError.NulByte, 400);
        Add("row 2 NUL in the method", "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.NulByte, 400);
        Add("row 2 NUL in a value", Get("X: a\0b"), HeadError.NulByte, 400);
        Add("row 2 NUL in a name", Get("X\0: a"), HeadError.FieldNameMalformed, 400);
        Add("row 3 three empty lines", "\r\n\r\n\r\n" + Target("/"), HeadError.EmptyLinesBeforeRequest, 400);
        Add("row 4 two spaces after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 4 two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 4 tab after the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 4 tab before the version", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 4 tab and space", "GET \t/ HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.TargetMalformed, 400);
        Add("row 4 trailing space", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 4 trailing tab", "GET / HTTP/1.1\t\r\nHost: a\r\n\r\n", HeadError.VersionMalformed, 400);
        Add("row 4 leading space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodMalformed, 400);
        Add("row 4 no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 4 vertical tab", "GET\v/ HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 5 method with a colon", "GE:T / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodMalformed, 400);
        Add("row 5 method with obs-text", "G\u00c9T / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodMalformed, 400);
        Add("row 5 method in quotes", "\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodMalformed, 400);
        Add("row 5 method with a slash", "GET/x / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodMalformed, 400);
        Add("row 5 method of 33 characters", new string('M', 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodTooLong, 501);
        Add("row 7 CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodNotAllowed, 405);
        Add("row 7 TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodNotAllowed, 405);
        Add("row 7 TRACK", "TRACK / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.MethodNotAllowed, 405);
        foreach (string version in (string[])["HTTP/1.2", "HTTP/1.9"])
        {
            Add("row 9 " + version, $"GET / {version}\r\nHost: a\r\n\r\n", HeadError.VersionNotSupported, 505);
        }

        foreach (string version in (string[])["HTTP/2.0", "HTTP/3.0", "HTTP/9.9"])
        {
            Add("row 10 " + version, $"GET / {version}\r\nHost: a\r\n\r\n", HeadError.VersionNotSupported, 505);
        }

        foreach (string version in (string[])
            ["HTTP/0.9", "HTTP/1.10", "HTTP/11.1", "http/1.1", "Http/1.1", "HTTP/01.1", "HTTP/1.01", "HTTP/1,1", "HTTP/1.", "HTTP/.1", "HTTP/1",
                "HTTP/2", "HTTP", "HTTP/1.1x", "HTTP/1.\u00b9", "HTTP/+1.1", "XTTP/1.1", "HTTPS/1.1", "HTTP\\1.1"])
        {
            Add("row 10 " + version, $"GET / {version}\r\nHost: a\r\n\r\n", HeadError.VersionMalformed, 400);
        }

        Add("row 10 HTTP/0.9 simple request", "GET /\r\n\r\n", HeadError.RequestLineMalformed, 400);
        Add("row 10 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", HeadError.VersionNotSupported, 505);
    }

    private void Targets()
    {
        foreach (char bad in "\u0001\u0008\u000b\u001f\u007f\u0080\u00e4\u00ff\\#")
        {
            Add($"row 11 byte {(int)bad:x2} in the path", Target("/a" + bad), HeadError.TargetMalformed, 400);
            Add($"row 11 byte {(int)bad:x2} in the query", Target("/a?b" + bad), HeadError.TargetMalformed, 400);
            Add($"row 11 byte {(int)bad:x2} in an absolute target", Target("http://a" + bad + "/"), HeadError.TargetMalformed, 400);
        }

        foreach (string target in (string[])["http://u@a/", "http://u:p@a/", "http://@a/", "http:///", "http://?q", "http://a:x/", "http://a:99999/",
            "https://[::1/", "http://a%40b/", "http://a,b/"])
        {
            Add("row 12 " + target, Target(target), HeadError.TargetMalformed, 400);
        }

        Add("row 12 dot segment in an absolute target", Target("http://a/b/../c"), HeadError.TargetMalformed, 400);
        foreach (string target in (string[])["*", "a:443", "v1/messages", "?q", "ftp://a/", "http:/a", "http:a", "http://", "https://", "ws://a/",
            "file:///etc", "a/", "@a/", "javascript:x"])
        {
            Add("row 13 " + target, Target(target), HeadError.TargetFormNotAllowed, 400);
        }

        Add("row 13 OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", HeadError.TargetFormNotAllowed, 400);
        foreach (string path in (string[])
            [
                "/.", "/..", "/./", "/../", "/a/..", "/a/.", "/a/../b", "/a/./b", "/%2e", "/%2E%2e/", "/.%2e/x", "/%2e./x", "/a%2f..%2fb",
                "/a%2F%2e%2E", "/a%5c..%5cb", "/a%5C..",
                "/a/..;/b", "/a/..;x=1/b", "/a;/../b", "/a;..", "/..%00", "/a/..%00/b", "/..%09/b", "/..%0d/b", "/..%0a/b", "/..%20/b", "/..%20",
                "/%20../b", "/%09..", "/%252e%252e/", "/%25252e%25252e/b",
                "/%252f..%252fb", "/%25%32%65%25%32%65/", "/a%3b..", "/..%3b/", "/a/..?q", "/a/.?q=1", "/..%3fx", "/..%23x",
            ])
        {
            Add("row 14 " + path, Target(path), HeadError.TargetMalformed, 400);
        }

        Add("row 14 nested escapes without end", Target("/%" + string.Concat(Enumerable.Repeat("25", 20)) + "41"), HeadError.TargetMalformed, 400);
        Add("row 14 dot segment in a long path", Target("/" + new string('a', 3000) + "/%2e%2e/b"), HeadError.TargetMalformed, 400);
        foreach (string path in (string[])["/%00", "/a%00b", "/a/%2500", "/%25%30%30"])
        {
            Add("row 17 " + path, Target(path), HeadError.TargetMalformed, 400);
        }

        foreach (string path in (string[])["/%0d%0a", "/a%0D%0Ab", "/%0a", "/%0d", "/%250d%250a", "/a%0d%0aHost:%20b"])
        {
            Add("row 18 " + path, Target(path), HeadError.TargetMalformed, 400);
        }

        foreach (string path in (string[])["/%", "/%4", "/%zz", "/%u002e", "/a%2", "/%%41", "/%-1"])
        {
            Add("row 15 broken escape " + path, Target(path), HeadError.TargetMalformed, 400);
        }
    }

    private void Hosts()
    {
        Add("row 20 no Host", "GET / HTTP/1.1\r\n\r\n", HeadError.HostMissing, 400);
        Add("row 20 no Host next to an absolute target", "GET http://a/ HTTP/1.1\r\nX: y\r\n\r\n", HeadError.HostMissing, 400);
        Add("row 20 Host twice", Get("Host: b"), HeadError.HostRepeated, 400);
        Add("row 20 Host twice with one value", Get("hOST: a"), HeadError.HostRepeated, 400);
        Add("row 20 Host twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", HeadError.HostRepeated, 400);
        foreach (string host in (string[])
            [
                "", " ", "a, b", "a,b", "a b", "u@a", "u:p@a", "a/b", "/", "http://a", "a:x", "a:-1", "a:+80", "a:65536", "a:1234567", "a:80:80",
                ":80", "[", "[]", "[::1", "::1", "[::1]x", "[::1]80", "[::1]:x", "[g::1]",
                "a?b", "a#b", "a\\b", "a%2eb", "a\u00e4", "a;b", "\"a\"", "a:80 ,b", "a: 80",
            ])
        {
            Add($"row 20 Host '{host}'", $"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n", HeadError.HostMalformed, 400);
        }
    }

    private void Fields()
    {
        Add("row 22 space before the colon", Get("X : a"), HeadError.FieldNameMalformed, 400);
        Add("row 22 tab before the colon", Get("X\t: a"), HeadError.FieldNameMalformed, 400);
        Add("row 22 space before the colon of Content-Length", Post("Content-Length : 5"), HeadError.FieldNameMalformed, 400);
        Add("row 22 space before the colon of Transfer-Encoding", Post("Transfer-Encoding : chunked"), HeadError.FieldNameMalformed, 400);
        Add("row 22 space at line start", Get(" X: a"), HeadError.FieldLineMalformed, 400);
        Add("row 22 space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", HeadError.FieldLineMalformed, 400);
        Add("row 22 fold with a space", Get("X: a", " b"), HeadError.FieldLineMalformed, 400);
        Add("row 22 fold with a tab and a colon", Get("X: a", "\tb: c"), HeadError.FieldLineMalformed, 400);
        Add("row 22 folded Transfer-Encoding", Post("Transfer-Encoding:", " chunked"), HeadError.FieldLineMalformed, 400);
        Add("row 22 line of blanks", Get(" "), HeadError.FieldLineMalformed, 400);
        foreach (string name in (string[])["", "X Y", "X(", "X@", "X/Y", "X[", "\"X\"", "X\u00e9", "\u00ffX", "X,Y", "X;", "X=", "X{}", "X\u007f",
            "X\u0001", "\u000bX"])
        {
            Add($"row 23 name '{name}'", Get(name + ": a"), HeadError.FieldNameMalformed, 400);
        }

        Add("row 23 line without a colon", Get("X"), HeadError.FieldLineMalformed, 400);
        Add("row 23 request line as a field", Get("GET / HTTP/1.1"), HeadError.FieldLineMalformed, 400);
        foreach (char bad in "\u0001\u0007\u0008\u000b\u000c\u001b\u001f\u007f")
        {
            Add($"row 24 byte {(int)bad:x2} within a value", Get($"X: a{bad}b"), HeadError.FieldValueMalformed, 400);
            Add($"row 24 byte {(int)bad:x2} before a value", Get($"X: {bad}b"), HeadError.FieldValueMalformed, 400);
            Add($"row 24 byte {(int)bad:x2} at the end of Transfer-Encoding", Post($"Transfer-Encoding: chunked{bad}"), HeadError.FieldValueMalformed, 400);
        }

        foreach (string name in (string[])["Authorization", "x-api-key", "x-litellm-api-key"])
        {
            Add($"row 27 {name} twice", Get(name + ": a", "X: y", name.ToUpperInvariant() + ": b"), HeadError.CredentialRepeated, 400);
            Add($"row 27 {name} twice, equal", Get(name + ": a", name + ": a"), HeadError.CredentialRepeated, 400);
            Add($"row 27 {name} as a list", Get(name + ": a, b"), HeadError.CredentialRepeated, 400);
        }

        foreach (string name in (string[])
            ["x_api_key", "X_Api-Key", "x-api_key", "content_length", "Content_Length", "transfer_encoding", "TRANSFER_ENCODING", "x_litellm_api_key",
                "x_litellm_tags", "keep_alive", "proxy_authorization", "x_forwarded_for", "content_type", "x_real_ip", "x_claude_code_session_id",
                "http2_settings"])
        {
            Add("row 28 " + name, Get(name + ": 5"), HeadError.FieldNameAlias, 400);
        }

        foreach (string name in (string[])
            ["Host", "content-length", "Transfer-Encoding", "authorization", "X-Api-Key", "x-litellm-api-key", "x-litellm-tags", "connection",
                "expect", "content-type", "accept-encoding", "x_api_key", "content_length"])
        {
            Add("row 30 Connection names " + name, Get("Connection: " + name), HeadError.ConnectionNominatesOwnField, 400);
            Add("row 30 second Connection names " + name, Get("Connection: close", "connection: x ,\t" + name), HeadError.ConnectionNominatesOwnField, 400);
        }

        foreach (string value in (string[])["a b", "close;x", "\"close\"", "a=b", "a/b", "\u00e9"])
        {
            Add("row 30 Connection is no list of tokens: " + value, Get("Connection: " + value), HeadError.FieldValueMalformed, 400);
        }

        foreach (string value in (string[])["", "200-ok", "100-continue, 100-continue", "100-continue;x", "100-continued", "100", "x=y"])
        {
            Add($"row 32 Expect '{value}'", Post("Expect: " + value, "Content-Length: 1"), HeadError.ExpectationUnknown, 417);
        }

        Add("row 32 Expect twice", Post("Expect: 100-continue", "Expect: 100-continue", "Content-Length: 1"), HeadError.ExpectationUnknown, 417);
    }

    private void Framing()
    {
        Add("row 34 length, then coding", Post("Content-Length: 5", "Transfer-Encoding: chunked"), HeadError.ContentLengthWithTransferEncoding, 400);
        Add("row 34 coding, then length", Post("transfer-encoding: chunked", "X: y", "content-length: 5"), HeadError.ContentLengthWithTransferEncoding, 400);
        Add("row 34 length 0 and identity", Post("Content-Length: 0", "Transfer-Encoding: identity"), HeadError.ContentLengthWithTransferEncoding, 400);
        Add("row 34 both empty", Post("Content-Length:", "Transfer-Encoding:"), HeadError.ContentLengthWithTransferEncoding, 400);
        Add("row 35 twice, differing", Post("Content-Length: 5", "Content-Length: 6"), HeadError.ContentLengthRepeated, 400);
        Add("row 35 twice, equal", Post("Content-Length: 5", "X: y", "CONTENT-LENGTH: 5"), HeadError.ContentLengthRepeated, 400);
        foreach (string value in (string[])
            [
                "5, 5", "5,5", "5,", ",5", "5 5", "+5", "-5", "-0", "+0", "0x5", "5x", "5.0", "5e0", "", "\u00b2", "\u00d9\u00a5", "1_000", "5;",
                "\"5\"", "0b1", "9223372036854775808", "18446744073709551616", "99999999999999999999", "184467440737095516165",
            ])
        {
            Add($"row {(value.Contains(',') ? 35 : 36)} Content-Length '{value}'", Post("Content-Length: " + value), HeadError.ContentLengthMalformed, 400);
        }

        foreach (string value in (string[])["gzip", "gzip, chunked", "chunked, gzip", "x", "xchunked", "chunkedx", "deflate", "compress", "cow",
            "identity, x", "chunked,x", "CHUNKE"])
        {
            Add($"row 38 Transfer-Encoding '{value}'", Post("Transfer-Encoding: " + value), HeadError.TransferEncodingUnknown, 501);
        }

        foreach (string value in (string[])
            ["", "identity", "identity, chunked", "chunked, identity", "chunked, chunked", "chunked,", ",chunked", "chunked;q=1", "\"chunked\"",
                "chunked\u00a0", "\u00a0chunked", "chunked\u0085", "chunked chunked", "'chunked' x", "chunked;", "=chunked"])
        {
            Add($"row 38 Transfer-Encoding '{value}'", Post("Transfer-Encoding: " + value), HeadError.TransferEncodingMalformed, 400);
        }

        Add("row 38 chunked twice", Post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), HeadError.TransferEncodingMalformed, 400);
        Add("row 38 chunked and identity in two lines", Post("Transfer-Encoding: chunked", "transfer-encoding: identity"),
            HeadError.TransferEncodingMalformed, 400);
        Add("row 38 empty and chunked in two lines", Post("Transfer-Encoding:", "Transfer-Encoding: chunked"), HeadError.TransferEncodingMalformed, 400);
        Add("row 39 chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError.TransferEncodingInOldVersion, 400);
        Add("row 39 identity in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", HeadError.TransferEncodingInOldVersion, 400);
        Add("row 39 both in HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            HeadError.ContentLengthWithTransferEncoding, 400);
        Add("§7 request line over 8 KiB", Target("/" + new string('a', 8 * 1024)), HeadError.RequestLineTooLong, 414);
        Add("§7 field line over 16 KiB", Get("X: " + new string('a', 16 * 1024)), HeadError.FieldLineTooLong, 431);
        Add("§7 head over 32 KiB", Get([.. Enumerable.Repeat("X: " + new string('a', 8 * 1024), 4)]), HeadError.HeadTooLarge, 431);
        Add("§7 101 fields", Get([.. Enumerable.Repeat("X: y", 100)]), HeadError.TooManyFields, 431);
    }
}
