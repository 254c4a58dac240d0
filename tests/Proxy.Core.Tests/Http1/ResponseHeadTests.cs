using System.Text;
using Proxy.Core.Http1;
using static Proxy.Core.Tests.Http1.Heads;

namespace Proxy.Core.Tests.Http1;

public sealed class ResponseHeadTests
{
    [Theory]
    [InlineData("HTTP/1.1 200", "")]
    [InlineData("HTTP/1.1 200 ", "")]
    [InlineData("HTTP/1.1 200 OK", "OK")]
    public void The_space_before_an_absent_reason_may_be_absent_too(string line, string reason)
    {
        byte[] head = Encoding.Latin1.GetBytes(Response(line, "Content-Length: 0"));
        ResponseHead parsed = new();
        Assert.Equal(HeadError.None, parsed.Parse(head, MethodId.Get, HeadLimits.Response));
        Assert.Equal((200, reason), (parsed.Status, Encoding.Latin1.GetString(parsed.Reason.Of(head))));
    }

    public static TheoryData<string, string, HeadError> Refused()
    {
        TheoryData<string, string, HeadError> rows = new();
        foreach (string line in (string[])
            [
                "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 20 OK", "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200OK",
                "HTTP/1.1 2000 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 -20 OK", "HTTP/1.1 +20 OK", "HTTP/1.1 \u00b200 OK",
                "HTTP/1.2 200 OK", "HTTP/2.0 200 OK", "HTTP/2 200", "HTTP/0.9 200 OK", "HTTP/1.10 200 OK", "http/1.1 200 OK", "HTTP/01.1 200 OK",
                " HTTP/1.1 200 OK", "ICY 200 OK and more", "HTTP/1.1 200\tOK", "HTTP/1.1 200 O\u0001K", "HTTP/1.1 200 O\0K", "HTTP/1.1 200 O\u007fK",
            ])
        {
            rows.Add("row 49 " + line, Response(line), HeadError.StatusLineMalformed);
        }

        foreach (string code in (string[])["000", "099", "600", "999"])
        {
            rows.Add("row 49 code " + code, Response($"HTTP/1.1 {code} OK"), HeadError.StatusCodeInvalid);
        }

        rows.Add("row 49 empty line first", "\r\n" + Response("HTTP/1.1 200 OK"), HeadError.StatusLineMalformed);
        rows.Add("row 49 bare LF after the status line", "HTTP/1.1 200 OK\nX: y\r\n\r\n", HeadError.BareLineFeed);
        rows.Add("row 49 bare LF after a field", "HTTP/1.1 200 OK\r\nX: y\n\r\n", HeadError.BareLineFeed);
        rows.Add("row 49 bare CR in the reason", Response("HTTP/1.1 200 O\rK"), HeadError.StatusLineMalformed);
        rows.Add("row 49 bare CR in a value", Response("HTTP/1.1 200 OK", "X: a\rb"), HeadError.BareCarriageReturn);
        rows.Add("row 49 space before the colon", Response("HTTP/1.1 200 OK", "X : y"), HeadError.FieldNameMalformed);
        rows.Add("row 49 fold", Response("HTTP/1.1 200 OK", "X: y", " z"), HeadError.FieldLineMalformed);
        rows.Add("row 49 no colon", Response("HTTP/1.1 200 OK", "X"), HeadError.FieldLineMalformed);
        rows.Add("row 49 empty name", Response("HTTP/1.1 200 OK", ": y"), HeadError.FieldNameMalformed);
        rows.Add("row 49 control in a value", Response("HTTP/1.1 200 OK", "X: a\u0001"), HeadError.FieldValueMalformed);
        rows.Add("row 49 NUL in a value", Response("HTTP/1.1 200 OK", "X: a\0"), HeadError.NulByte);
        rows.Add("row 28 alias of a framing field", Response("HTTP/1.1 200 OK", "content_length: 5"), HeadError.FieldNameAlias);
        rows.Add("§7 over 64 KiB", Response("HTTP/1.1 200 OK", [.. Enumerable.Repeat("X: " + new string('a', 16 * 1024), 4)]), HeadError.HeadTooLarge);
        rows.Add("§7 101 fields", Response("HTTP/1.1 200 OK", [.. Enumerable.Repeat("X: y", 101)]), HeadError.TooManyFields);
        foreach (string value in (string[])["", "+5", "-0", "0x5", "5x", "5.0", "5 5", "5, 5", "5,6", "9223372036854775808"])
        {
            rows.Add($"row 50 length '{value}'", Response("HTTP/1.1 200 OK", "Content-Length: " + value), HeadError.ContentLengthMalformed);
        }

        rows.Add("row 50 two lengths", Response("HTTP/1.1 200 OK", "Content-Length: 5", "content-length: 6"), HeadError.ContentLengthRepeated);
        rows.Add("row 50 two equal lengths", Response("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5"), HeadError.ContentLengthRepeated);
        rows.Add("row 50 length and coding", Response("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked"),
            HeadError.ContentLengthWithTransferEncoding);
        rows.Add("row 50 coding and length", Response("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 5"),
            HeadError.ContentLengthWithTransferEncoding);
        rows.Add("row 50 gzip", Response("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"), HeadError.TransferEncodingUnknown);
        rows.Add("row 50 gzip, chunked", Response("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"), HeadError.TransferEncodingUnknown);
        rows.Add("row 50 chunked twice", Response("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
            HeadError.TransferEncodingMalformed);
        rows.Add("row 50 identity", Response("HTTP/1.1 200 OK", "Transfer-Encoding: identity"), HeadError.TransferEncodingMalformed);
        rows.Add("row 50 coding in HTTP/1.0", Response("HTTP/1.0 200 OK", "Transfer-Encoding: chunked"), HeadError.TransferEncodingInOldVersion);
        return rows;
    }

    public static TheoryData<string, string, MethodId, BodyFraming, long, bool> Accepted()
    {
        const string Length = "Content-Length: 5";
        const string Chunked = "Transfer-Encoding: Chunked";
        TheoryData<string, string, MethodId, BodyFraming, long, bool> rows = new()
        {
            { "a stream", Answer, MethodId.Post, BodyFraming.Chunked, -1, true },
            { "a length", Response("HTTP/1.1 200 OK", Length), MethodId.Get, BodyFraming.Length, 5, true },
            { "length 0", Response("HTTP/1.1 200 OK", "Content-Length: 00"), MethodId.Get, BodyFraming.Length, 0, true },
            { "row 49 no reason", Response("HTTP/1.1 200 ", Length), MethodId.Get, BodyFraming.Length, 5, true },
            { "row 49 reason in obs-text", Response("HTTP/1.1 200 \u00d6\tK  x", Length), MethodId.Get, BodyFraming.Length, 5, true },
            { "row 49 code 599", Response("HTTP/1.1 599 X", Length), MethodId.Get, BodyFraming.Length, 5, true },
            { "row 30 Connection names a field it cannot name", Response("HTTP/1.1 200 OK", "Connection: content-length, host", Length), MethodId.Get,
                BodyFraming.Length, 5, true },
            { "row 56 close", Response("HTTP/1.1 200 OK", Length, "Connection: x, Close"), MethodId.Get, BodyFraming.Length, 5, false },
            { "row 56 HTTP/1.0", Response("HTTP/1.0 200 OK", Length), MethodId.Get, BodyFraming.Length, 5, false },
            { "row 56 HTTP/1.0 that offers keep-alive", Response("HTTP/1.0 200 OK", Length, "Connection: keep-alive"), MethodId.Get,
                BodyFraming.Length, 5, false },
            { "row 56 until close", Response("HTTP/1.1 200 OK"), MethodId.Get, BodyFraming.UntilClose, -1, false },
            { "row 56 until close in HTTP/1.0", Response("HTTP/1.0 200 OK"), MethodId.Get, BodyFraming.UntilClose, -1, false },
            { "row 56 until close in spite of keep-alive", Response("HTTP/1.1 404 No", "Connection: keep-alive"), MethodId.Post,
                BodyFraming.UntilClose, -1, false },
            { "row 56 close on 204", Response("HTTP/1.1 204 No", "Connection: close"), MethodId.Get, BodyFraming.None, -1, false },
        };
        foreach (int code in (int[])[204, 304])
        {
            rows.Add($"row 53 {code}", Response($"HTTP/1.1 {code} X"), MethodId.Get, BodyFraming.None, -1, true);
            rows.Add($"row 53 {code} with a length", Response($"HTTP/1.1 {code} X", Length), MethodId.Get, BodyFraming.None, 5, true);
            rows.Add($"row 53 {code} with chunks", Response($"HTTP/1.1 {code} X", Chunked), MethodId.Get, BodyFraming.None, -1, true);
        }

        foreach (int code in (int[])[200, 404, 500])
        {
            rows.Add($"row 53 HEAD {code}", Response($"HTTP/1.1 {code} X"), MethodId.Head, BodyFraming.None, -1, true);
            rows.Add($"row 53 HEAD {code} with a length", Response($"HTTP/1.1 {code} X", Length), MethodId.Head, BodyFraming.None, 5, true);
            rows.Add($"row 53 HEAD {code} with chunks", Response($"HTTP/1.1 {code} X", Chunked), MethodId.Head, BodyFraming.None, -1, true);
        }

        foreach (int code in (int[])[100, 101, 102, 103, 199])
        {
            rows.Add($"row 52 {code}", Response($"HTTP/1.1 {code} X"), MethodId.Post, BodyFraming.None, -1, true);
            rows.Add($"row 52 {code} with a length", Response($"HTTP/1.1 {code} X", Length), MethodId.Post, BodyFraming.None, 5, true);
            rows.Add($"row 52 {code} with chunks", Response($"HTTP/1.1 {code} X", Chunked), MethodId.Post, BodyFraming.None, -1, true);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_response_outside_the_rules_is_refused(string row, string head, HeadError error)
    {
        HeadError actual = HeadReader.Response(head, new ResponseHead(), MethodId.Get, out _);
        Assert.True(error == actual, $"{row}: {actual}");
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void A_response_within_the_rules_is_read_one_way(string row, string head, MethodId method, BodyFraming framing, long length, bool keepAlive)
    {
        ResponseHead parsed = new();
        HeadError error = HeadReader.Response(head, parsed, method, out _);
        Assert.True(error == HeadError.None, $"{row}: {error}");
        Assert.Equal((framing, length, keepAlive), (parsed.Framing, parsed.ContentLength, parsed.KeepAlive));
        Assert.Equal(int.Parse(head.AsSpan(9, 3)), parsed.Status);
        Assert.Equal(parsed.Status < 200, parsed.IsInterim);
        Assert.Equal(head.StartsWith("HTTP/1.0", StringComparison.Ordinal) ? 10 : 11, parsed.Version);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 Very  OK", "Very  OK")]
    [InlineData("HTTP/1.1 200 ", "")]
    [InlineData("HTTP/1.1 200 \u00ff", "\u00ff")]
    public void The_reason_is_kept_byte_for_byte(string line, string reason)
    {
        ResponseHead parsed = new();
        Assert.Equal(HeadError.None, HeadReader.Response(Response(line), parsed, MethodId.Get, out byte[] head));
        Assert.Equal(reason, Text(parsed.Reason.Of(head)));
    }
}
