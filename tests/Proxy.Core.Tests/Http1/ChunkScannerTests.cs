using System.Text;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

public sealed class ChunkScannerTests
{
    /// <summary>Name, body, its data, and what of it is relayed.</summary>
    public static TheoryData<string, string, string, string> Valid() => new()
    {
        { "empty", "0\r\n\r\n", "", "0\r\n\r\n" },
        { "empty, many zeros", "0000\r\n\r\n", "", "0000\r\n\r\n" },
        { "one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", "5\r\nhello\r\n0\r\n\r\n" },
        { "data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n" },
        { "hex in both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0B\r\n0123456789a\r\n0\r\n\r\n", "012345678901234567890123456789a",
            "a\r\n0123456789\r\nA\r\n0123456789\r\n0B\r\n0123456789a\r\n0\r\n\r\n" },
        { "row 42 sixteen digits", "0000000000000001\r\nx\r\n0000000000000000\r\n\r\n", "x", "0000000000000001\r\nx\r\n0000000000000000\r\n\r\n" },
        { "row 43 a name", "1;a\r\nx\r\n0\r\n\r\n", "x", "1\r\nx\r\n0\r\n\r\n" },
        { "row 43 a token", "1;a=b\r\nx\r\n0;z\r\n\r\n", "x", "1\r\nx\r\n0\r\n\r\n" },
        { "row 43 several", "1;a=b;c;d=\"e\"\r\nx\r\n0\r\n\r\n", "x", "1\r\nx\r\n0\r\n\r\n" },
        { "row 43 blanks behind the semicolon", "1; \ta \t= \tb \t; c\t;d\r\nx\r\n0\r\n\r\n", "x", "1\r\nx\r\n0\r\n\r\n" },
        { "row 43 quoted", "1;a=\"\";b=\"c;d=\\\"\\\\\t\u00ff \"\r\nx\r\n0\r\n\r\n", "x", "1\r\nx\r\n0\r\n\r\n" },
        { "row 45 trailers", "1\r\nx\r\n0\r\nX-A: b\r\nX-C:\r\nx-d: e f\t\u00ff \r\n\r\n", "x", "1\r\nx\r\n0\r\n\r\n" },
        { "row 45 trailers behind an extension", "0;a\r\nDate: x\r\nrequest-id: y\r\nServer-Timing: z\r\n\r\n", "", "0\r\n\r\n" },
        { "row 45 a long name", "0\r\n" + new string('x', 1000) + ": y\r\n\r\n", "", "0\r\n\r\n" },
    };

    public static TheoryData<string, string, ChunkError> Invalid()
    {
        TheoryData<string, string, ChunkError> rows = new();
        foreach (string size in (string[])
            [
                "\n", "\r\n", "x\r\n", "+1\r\n", "-1\r\n", "-0\r\n", "0x1\r\n", "0X1\r\n", "1_0\r\n", " 1\r\n", "\t1\r\n", "1 \r\n", "1\t\r\n",
                "1 ;a\r\n", "1 0\r\n", "1\n", "1\r\r\n", "1\rx", "\0", "1\0\r\n", ";a\r\n", "1,\r\n", "1g\r\n", "\u00b2\r\n", "\u00ff1\r\n", "1=\r\n",
                "1\v\r\n", "0\n\r\n", "1;a\rx", "1;a\r\r\n",
            ])
        {
            rows.Add($"row 42 size '{size}'", size, ChunkError.SizeMalformed);
            rows.Add($"row 42 second size '{size}'", "1\r\nx\r\n" + size, ChunkError.SizeMalformed);
        }

        foreach (string size in (string[])["00000000000000001\r\n", "8000000000000000\r\n", "ffffffffffffffff\r\n", "10000000000000000\r\n",
            "ffffffffffffffffff\r\n", "FFFFFFFFFFFFFFF0\r\n", "00000000000000000"])
        {
            rows.Add($"row 42 size '{size}'", size, ChunkError.SizeOverflow);
        }

        foreach (string extension in (string[])
            [
                ";\r\n", ";;a\r\n", ";a;\r\n", "; \r\n", ";=b\r\n", ";a=\r\n", ";a= \r\n", ";a=;b\r\n", ";a==b\r\n", ";a=b c\r\n", ";a b\r\n",
                ";a=\"b\r\n", ";a=\"b\"c\r\n", ";a=b\"c\"\r\n", ";a=\"\\\r\n", ";\n", ";a\n", ";a=b\n", ";a=\"b\n\"\r\n",
                ";a=\"\r\"\r\n", ";\ra", ";a=\rb", ";a\0\r\n", ";a=\"\0\"\r\n", ";a=\"\u007f\"\r\n", ";a=\"\\\u0001\"\r\n", ";a=\u00ff\r\n",
                ";a/b\r\n", ";\u000ba\r\n", ";a=\"b\"=c\r\n", ";a \r\n", ";a=b \r\n", ";a=\"b\"\t\r\n",
            ])
        {
            rows.Add($"row 43 '{extension}'", "1" + extension + "x\r\n0\r\n\r\n", ChunkError.ExtensionMalformed);
            rows.Add($"row 43 last chunk '{extension}'", "0" + extension + "\r\n", ChunkError.ExtensionMalformed);
        }

        foreach (string end in (string[])["0\r\n\r\n", "\n0\r\n\r\n", "\r0\r\n\r\n", "xx", "x\r\n", "\n\r", " \r\n", "\r\r\n", "\0\0"])
        {
            rows.Add($"row 44 '{end}'", "3\r\nabc" + end, ChunkError.DataNotTerminated);
        }

        foreach (string trailer in (string[])
            [
                "\n", "X\r\n\r\n", ": y\r\n\r\n", "X : y\r\n\r\n", " X: y\r\n\r\n", "X: y\r\n z\r\n\r\n", "X: y\n\r\n", "X: y\rz\r\n", "X: y\r\r\n",
                "X: \0\r\n", "X: \u0001\r\n", "X: \u007f\r\n", "X\0: y\r\n", "X\u00ff: y\r\n", "X: y\r\n\n", "\rx", "\r\r\n", "X: y\r\n\rx",
                "GET / HTTP/1.1\r\n",
            ])
        {
            rows.Add($"row 45 '{trailer}'", "0\r\n" + trailer, ChunkError.TrailerMalformed);
        }

        foreach (string name in (string[])
            [
                "Content-Length", "transfer-encoding", "HOST", "Connection", "Authorization", "x-api-key", "x-litellm-api-key", "X-LiteLLM-Tags",
                "x-litellm-anything", "Cookie", "Content-Type", "Content-Encoding", "Trailer", "Expect", "TE", "Upgrade", "Keep-Alive", "Proxy-Authorization",
                "X-Forwarded-For", "forwarded", "x-claude-code-session-id", "accept-encoding", "content_length", "Transfer_Encoding", "x_api_key",
            ])
        {
            rows.Add("row 45 " + name, $"0\r\nX: y\r\n{name}: z\r\n\r\n", ChunkError.TrailerForbidden);
        }

        rows.Add("§7 chunk line over 4 KiB", "1;" + new string('a', 4096) + "\r\nx\r\n0\r\n\r\n", ChunkError.LineTooLong);
        rows.Add("§7 chunk line over 4 KiB without an end", "1;a=\"" + new string(' ', 4096), ChunkError.LineTooLong);
        rows.Add("§7 extensions over 16 KiB", Extensions((16 * 1024 / 4) + 1) + "0\r\n\r\n", ChunkError.ExtensionsTooLong);
        rows.Add("§7 one trailer over 8 KiB", "0\r\nX: " + new string('y', 8 * 1024), ChunkError.TrailersTooLong);
        rows.Add("§7 a trailer's name over 8 KiB", "0\r\n" + new string('y', (8 * 1024) + 1), ChunkError.TrailersTooLong);
        rows.Add("§7 many trailers over 8 KiB", "0\r\n" + string.Concat(Enumerable.Repeat("X: y\r\n", (8 * 1024 / 6) + 1)) + "\r\n",
            ChunkError.TrailersTooLong);
        return rows;
    }

    [Theory]
    [MemberData(nameof(Valid))]
    public void A_body_gives_the_same_at_every_cut(string row, string text, string data, string relayed)
    {
        byte[] body = Heads.Bytes(text + "GET / HTTP/1.1\r\n");
        ChunkRun expected = new(data, relayed, text.Length, ChunkError.None, IsComplete: true);
        Assert.Equal(expected, ChunkRun.Whole(body));
        Assert.Equal(expected, ChunkRun.Bytewise(body));
        for (int cut = 0; cut <= body.Length; cut++)
        {
            Assert.True(expected == ChunkRun.Cut(body, cut), $"{row} cut at {cut}");
        }
    }

    [Theory]
    [MemberData(nameof(Valid))]
    public void Row_46_no_beginning_of_a_body_is_a_whole_one(string row, string text, string data, string relayed)
    {
        byte[] body = Heads.Bytes(text);
        for (int length = 0; length < body.Length; length++)
        {
            ChunkRun run = ChunkRun.Whole(body.AsSpan(0, length));
            Assert.True(run is { IsComplete: false, Error: ChunkError.None } && run.Consumed == length, $"{row} at {length}");
            Assert.StartsWith(run.Data, data, StringComparison.Ordinal);
            Assert.StartsWith(run.Relayed, relayed, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public void A_body_outside_the_grammar_is_refused_at_every_cut(string row, string text, ChunkError error)
    {
        byte[] body = Heads.Bytes(text);
        ChunkRun whole = ChunkRun.Whole(body);
        Assert.True(whole.Error == error && !whole.IsComplete, $"{row}: {whole.Error}");
        Assert.Equal((error, whole.Data, false), (ChunkRun.Bytewise(body).Error, ChunkRun.Bytewise(body).Data, ChunkRun.Bytewise(body).IsComplete));
        for (int cut = 0; cut <= Math.Min(body.Length, 200); cut++)
        {
            Assert.True(ChunkRun.Cut(body, cut).Error == error, $"{row} cut at {cut}");
        }
    }

    [Fact]
    public void A_refused_body_stays_refused()
    {
        ChunkScanner scanner = default;
        Assert.Equal(ChunkPart.Invalid, scanner.Next("x"u8, out _));
        Assert.Equal(ChunkPart.Invalid, scanner.Next("0\r\n\r\n"u8, out int length));
        Assert.Equal(ChunkPart.Invalid, scanner.Next(default, out _));
        Assert.Equal((0, ChunkError.SizeMalformed, false), (length, scanner.Error, scanner.IsComplete));
    }

    [Fact]
    public void Row_42_the_largest_size_is_two_to_the_63rd_less_one()
    {
        ChunkScanner scanner = default;
        Assert.Equal(ChunkPart.Framing, scanner.Next("7fffffffffffffff\r\nabc"u8, out int length));
        Assert.Equal(18, length);
        Assert.Equal(ChunkPart.Data, scanner.Next("abc"u8, out length));
        Assert.Equal((3, 3L), (length, scanner.DataLength));
    }

    [Fact]
    public void Sizes_just_within_the_limits_pass()
    {
        Assert.True(ChunkRun.Whole(Heads.Bytes("1;" + new string('a', 4000) + "\r\nx\r\n0\r\n\r\n")).IsComplete);
        Assert.True(ChunkRun.Whole(Heads.Bytes(Extensions(16 * 1024 / 4) + "0\r\n\r\n")).IsComplete);
        Assert.True(ChunkRun.Whole(Heads.Bytes("0\r\nX: " + new string('y', 8000) + "\r\n\r\n")).IsComplete);
    }

    [Fact]
    public void Random_bodies_give_what_was_put_in()
    {
        Random random = new(42);
        for (int round = 0; round < 400; round++)
        {
            StringBuilder data = new();
            StringBuilder relayed = new();
            StringBuilder body = new();
            for (int chunk = random.Next(12); chunk > 0; chunk--)
            {
                byte[] bytes = new byte[random.Next(1, 600)];
                random.NextBytes(bytes);
                string size = bytes.Length.ToString(random.Next(2) == 0 ? "x" : "X5");
                string text = Heads.Text(bytes) + "\r\n";
                body.Append(size).Append(Pick(random, "", "", ";a", "; a=b", ";a=\"\\\"\"")).Append("\r\n").Append(text);
                relayed.Append(size).Append("\r\n").Append(text);
                data.Append(text.AsSpan(0, bytes.Length));
            }

            body.Append("0\r\n").Append(Pick(random, "", "X: y\r\n", "A:\r\nB: c\r\n")).Append("\r\n");
            relayed.Append("0\r\n\r\n");
            ChunkRun expected = new(data.ToString(), relayed.ToString(), body.Length, ChunkError.None, IsComplete: true);
            byte[] wire = Heads.Bytes(body + "surplus");
            Assert.Equal(expected, ChunkRun.Pieces(wire, random.Next(1, 50)));
            Assert.Equal(expected, ChunkRun.Cut(wire, random.Next(wire.Length)));
        }
    }

    [Fact]
    public void Mutated_bodies_are_judged_as_the_grammar_does()
    {
        Random random = new(7);
        int accepted = 0;
        for (int round = 0; round < 60_000; round++)
        {
            byte[] body = Heads.Bytes("3;a=\"b\";c\r\nabc\r\n1\r\nx\r\n0\r\nX: y\r\n\r\n");
            for (int change = random.Next(1, 3); change > 0; change--)
            {
                body[random.Next(body.Length)] = (byte)"\r\n;=\" \t012afx\\:\0\u00ff"[random.Next(17)];
            }

            (bool ok, string data) = ChunkGrammar.Read(Heads.Text(body));
            ChunkRun run = ChunkRun.Pieces(body, random.Next(1, 9));
            Assert.True(ok == run.IsComplete, Heads.Text(body));
            accepted += ok ? 1 : 0;
            Assert.True(!ok || data == run.Data, Heads.Text(body));
        }

        Assert.InRange(accepted, 1000, 59_000);
    }

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];

    /// <summary>So many chunks of one byte with four bytes of extension each.</summary>
    private static string Extensions(int chunks) => string.Concat(Enumerable.Repeat("1;abc\r\nx\r\n", chunks));
}
