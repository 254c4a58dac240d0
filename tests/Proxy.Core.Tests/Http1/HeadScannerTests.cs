using System.Buffers;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

public sealed class HeadScannerTests
{
    private const string Simple = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    public static TheoryData<string> Heads { get; } =
    [
        Simple, "\r\n" + Simple, "\r\n\r\n" + Simple, Http1.Heads.ClaudeCode, "A\r\n\r\n", "GET / HTTP/1.1\r\nX:\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
    ];

    /// <summary>Name, what has arrived, the error.</summary>
    public static TheoryData<string, string, HeadError> RefusedEarly() => new()
    {
        { "row 1 bare LF in the request line", "GET / HTTP/1.1\n", HeadError.BareLineFeed },
        { "row 1 bare LF first", "\n", HeadError.BareLineFeed },
        { "row 1 bare LF behind an empty line", "\r\n\n", HeadError.BareLineFeed },
        { "row 1 bare LF in a field", "GET / HTTP/1.1\r\nHost: a\n", HeadError.BareLineFeed },
        { "row 1 bare LF as the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", HeadError.BareLineFeed },
        { "row 1 two LF", "GET / HTTP/1.1\r\n\n", HeadError.BareLineFeed },
        { "row 3 three empty lines", "\r\n\r\n\r\n", HeadError.EmptyLinesBeforeRequest },
        { "§7 request line without end", new string('a', (8 * 1024) + 2), HeadError.RequestLineTooLong },
        { "§7 request line without end behind empty lines", "\r\n\r\n" + new string('a', (8 * 1024) + 2), HeadError.RequestLineTooLong },
        { "§7 request line with end", new string('a', (8 * 1024) + 1) + "\r\n", HeadError.RequestLineTooLong },
        { "§7 field line without end", "GET / HTTP/1.1\r\n" + new string('a', (16 * 1024) + 2), HeadError.FieldLineTooLong },
        { "§7 field line with end", "GET / HTTP/1.1\r\n" + new string('a', (16 * 1024) + 1) + "\r\n", HeadError.FieldLineTooLong },
        { "§7 head without end", "GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat(new string('a', 4 * 1024) + "\r\n", 8)), HeadError.HeadTooLarge },
        {
            "§7 head without end in the last line",
            "GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat(new string('a', 10_000) + "\r\n", 3)) + new string('a', 2800),
            HeadError.HeadTooLarge
        },
        { "§7 lines without end", "GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat("X:\r\n", 101)), HeadError.TooManyFields },
    };

    [Theory]
    [MemberData(nameof(Heads))]
    public void A_head_is_found_the_same_at_every_cut(string text)
    {
        byte[] bytes = Http1.Heads.Bytes(text + "body\r\n\r\nGET / HTTP/1.1\n\n");
        int leading = text.Length - text.TrimStart('\r', '\n').Length;
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            HeadScanner scanner = default;
            Assert.Equal(HeadStatus.Complete, scanner.Scan(Segments.Of(bytes, cut), HeadLimits.Request, isRequest: true));
            Assert.Equal((leading, text.Length - leading), (scanner.LeadingBytes, scanner.HeadLength));
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void A_head_that_grows_is_incomplete_until_its_last_byte(string text)
    {
        byte[] bytes = Http1.Heads.Bytes(text);
        int leading = text.Length - text.TrimStart('\r', '\n').Length;
        for (int step = 1; step < 8; step++)
        {
            HeadScanner scanner = default;
            int length = 0;
            while (length + step < bytes.Length)
            {
                length += step;
                Assert.Equal(HeadStatus.Incomplete, scanner.Scan(Segments.Of(bytes.AsSpan(0, length).ToArray(), length / 2), HeadLimits.Request, isRequest: true));
            }

            Assert.Equal(HeadStatus.Complete, scanner.Scan(new ReadOnlySequence<byte>(bytes), HeadLimits.Request, isRequest: true));
            Assert.Equal((leading, text.Length - leading), (scanner.LeadingBytes, scanner.HeadLength));
        }
    }

    [Theory]
    [MemberData(nameof(RefusedEarly))]
    public void What_can_only_be_refused_is_refused_without_its_end(string row, string text, HeadError error)
    {
        byte[] bytes = Http1.Heads.Bytes(text);
        foreach (int cut in (int[])[0, 1, bytes.Length / 2, bytes.Length - 1, bytes.Length])
        {
            HeadScanner whole = default;
            Assert.Equal(HeadStatus.Malformed, whole.Scan(Segments.Of(bytes, cut), HeadLimits.Request, isRequest: true));
            Assert.True(error == whole.Error, $"{row}: {whole.Error}");
        }

        HeadScanner growing = default;
        int length = 0;
        HeadStatus end;
        do
        {
            end = growing.Scan(new ReadOnlySequence<byte>(bytes, 0, length), HeadLimits.Request, isRequest: true);
            Assert.NotEqual(HeadStatus.Complete, end);
        }
        while (end == HeadStatus.Incomplete && ++length <= bytes.Length);

        Assert.Equal((HeadStatus.Malformed, error), (end, growing.Error));
    }

    [Theory]
    [InlineData(8 * 1024, 10)]
    [InlineData(10, 16 * 1024)]
    [InlineData(8 * 1024, 16 * 1024)]
    public void Lines_at_their_limit_pass_however_they_arrive(int startLine, int fieldLine)
    {
        byte[] bytes = Http1.Heads.Bytes(new string('a', startLine) + "\r\n" + new string('b', fieldLine) + "\r\n\r\n");
        HeadScanner scanner = default;
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(HeadStatus.Incomplete, scanner.Scan(new ReadOnlySequence<byte>(bytes, 0, length), HeadLimits.Request, isRequest: true));
        }

        Assert.Equal(HeadStatus.Complete, scanner.Scan(new ReadOnlySequence<byte>(bytes), HeadLimits.Request, isRequest: true));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void A_head_of_32_KiB_passes_and_one_byte_more_does_not(int surplus, bool passes)
    {
        const string Start = "GET / HTTP/1.1\r\n";
        string line = new string('a', 10_000) + "\r\n";
        string head = Start + line + line + line;
        head += new string('b', (32 * 1024) - head.Length - 4 + surplus) + "\r\n\r\n";
        HeadScanner scanner = default;
        HeadStatus end = scanner.Scan(new ReadOnlySequence<byte>(Http1.Heads.Bytes("\r\n" + head)), HeadLimits.Request, isRequest: true);
        Assert.Equal(passes ? HeadStatus.Complete : HeadStatus.Malformed, end);
        Assert.Equal(passes ? HeadError.None : HeadError.HeadTooLarge, scanner.Error);
    }

    [Fact]
    public void A_response_starts_at_once()
    {
        HeadScanner scanner = default;
        Assert.Equal(HeadStatus.Malformed, scanner.Scan(new ReadOnlySequence<byte>(Http1.Heads.Bytes("\r\n")), HeadLimits.Response, isRequest: false));
        Assert.Equal(HeadError.StatusLineMalformed, scanner.Error);
    }

    [Fact]
    public void A_status_line_without_end_is_refused()
    {
        HeadScanner scanner = default;
        byte[] bytes = Http1.Heads.Bytes("HTTP/1.1 200 " + new string('a', 8 * 1024));
        Assert.Equal(HeadStatus.Malformed, scanner.Scan(new ReadOnlySequence<byte>(bytes), HeadLimits.Response, isRequest: false));
        Assert.Equal(HeadError.StatusLineMalformed, scanner.Error);
    }

    [Fact]
    public void Nothing_yet_is_incomplete()
    {
        HeadScanner scanner = default;
        Assert.Equal(HeadStatus.Incomplete, scanner.Scan(ReadOnlySequence<byte>.Empty, HeadLimits.Request, isRequest: true));
    }
}
