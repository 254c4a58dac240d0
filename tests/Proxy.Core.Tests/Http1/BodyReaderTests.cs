using System.Text;
using CsCheck;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

/// <summary>Each framing, fed whole, byte by byte, and cut at every place: always the same reading.</summary>
public sealed class BodyReaderTests
{
    public static TheoryData<BodyFraming, long, string, Reading> Bodies() => new()
    {
        { BodyFraming.None, 0, "", new("", "", 0, IsComplete: true, ChunkError.None) },
        { BodyFraming.None, 0, "GET /", new("", "", 0, IsComplete: true, ChunkError.None) },
        { BodyFraming.Length, 0, "next", new("", "", 0, IsComplete: true, ChunkError.None) },
        { BodyFraming.Length, 5, "hello", new("hello", "hello", 5, IsComplete: true, ChunkError.None) },
        { BodyFraming.Length, 5, "hellosurplus", new("hello", "hello", 5, IsComplete: true, ChunkError.None) },
        { BodyFraming.Length, 9, "hello", new("hello", "hello", 5, IsComplete: false, ChunkError.None) },
        { BodyFraming.UntilClose, 0, "hello", new("hello", "hello", 5, IsComplete: false, ChunkError.None) },
        { BodyFraming.Chunked, 0, "5\r\nhello\r\n0\r\n\r\n", new("hello", "5\r\nhello\r\n0\r\n\r\n", 15, IsComplete: true, ChunkError.None) },
        { BodyFraming.Chunked, 0, "1;a=b\r\nx\r\n0\r\nX: y\r\n\r\nsurplus", new("x", "1\r\nx\r\n0\r\n\r\n", 21, IsComplete: true, ChunkError.None) },
        { BodyFraming.Chunked, 0, "5\r\nhel", new("hel", "5\r\nhel", 6, IsComplete: false, ChunkError.None) },
        { BodyFraming.Chunked, 0, "3\r\nabcd", new("abc", "3\r\nabc", 6, IsComplete: false, ChunkError.DataNotTerminated) },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Every_cut_of_a_body_is_read_alike(BodyFraming framing, long length, string body, Reading expected)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(body);
        Assert.Equal(expected, Read(framing, length, bytes, []));
        Assert.Equal(expected, Read(framing, length, bytes, Enumerable.Range(1, bytes.Length)));
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(expected, Read(framing, length, bytes, [cut]));
        }
    }

    [Fact]
    public void Any_cuts_of_any_chunked_body_are_read_alike() =>
        Gen.Select(Gen.String[Gen.Char['a', 'z'], 0, 40].Array[0, 6], Gen.Int[0, 400].Array[0, 8]).Sample((chunks, cuts) =>
        {
            string body = string.Concat(chunks.Where(chunk => chunk.Length > 0).Select(chunk => $"{chunk.Length:x}\r\n{chunk}\r\n")) + "0\r\n\r\n";
            byte[] bytes = Encoding.ASCII.GetBytes(body);
            Reading expected = new(string.Concat(chunks), body, bytes.Length, IsComplete: true, ChunkError.None);
            Assert.Equal(expected, Read(BodyFraming.Chunked, 0, bytes, cuts.Where(cut => cut <= bytes.Length).Order()));
        });

    [Fact]
    public void A_copy_reads_on_from_where_the_original_stood()
    {
        BodyReader reader = new(BodyFraming.Chunked, 0, ChunkLimits.Default);
        Assert.Equal(BodyPart.Framing, reader.Next("5\r\nhello\r\n0\r\n\r\n"u8, out int length));
        BodyReader copy = reader;
        Assert.Equal(BodyPart.Data, copy.Next("5\r\nhello\r\n0\r\n\r\n"u8[length..], out int data));
        Assert.Equal(5, data);
        Assert.Equal(0, reader.DataLength);
        Assert.Equal(BodyPart.Data, reader.Next("he"u8, out _));
        Assert.Equal(2, reader.DataLength);
    }

    [Theory]
    [InlineData(BodyFraming.UntilClose, true)]
    [InlineData(BodyFraming.Length, false)]
    [InlineData(BodyFraming.Chunked, false)]
    public void Only_a_body_without_other_framing_ends_with_its_connection(BodyFraming framing, bool isEnd)
    {
        BodyReader reader = new(framing, 10, ChunkLimits.Default);
        Assert.Equal(isEnd, reader.Close());
        Assert.Equal(isEnd, reader.IsComplete);
    }

    [Fact]
    public void Data_is_over_with_the_last_chunk_and_the_body_with_the_end_of_its_trailers()
    {
        BodyReader reader = new(BodyFraming.Chunked, 0, ChunkLimits.Default);
        _ = Feed(ref reader, "1\r\nx\r\n0\r\nX: y\r\n"u8);
        Assert.True(reader.IsDataOver);
        Assert.False(reader.IsComplete);
        _ = Feed(ref reader, "\r\n"u8);
        Assert.True(reader.IsComplete);
    }

    private static Reading Read(BodyFraming framing, long length, byte[] body, IEnumerable<int> cuts)
    {
        BodyReader reader = new(framing, length, ChunkLimits.Default);
        StringBuilder data = new();
        StringBuilder relayed = new();
        int consumed = 0;
        int from = 0;
        foreach (int cut in cuts.Append(body.Length))
        {
            (string piece, string kept, int taken) = Feed(ref reader, body.AsSpan(from, cut - from));
            data.Append(piece);
            relayed.Append(kept);
            consumed += taken;
            from = cut;
        }

        Assert.Equal(data.Length, reader.DataLength);
        return new Reading(data.ToString(), relayed.ToString(), consumed, reader.IsComplete, reader.Error);
    }

    private static (string Data, string Relayed, int Consumed) Feed(ref BodyReader reader, ReadOnlySpan<byte> input)
    {
        string data = "";
        string relayed = "";
        int consumed = 0;
        while (true)
        {
            BodyPart part = reader.Next(input, out int length);
            string text = Encoding.Latin1.GetString(input[..length]);
            consumed += length;
            input = input[length..];
            switch (part)
            {
                case BodyPart.Data:
                    data += text;
                    relayed += text;
                    break;
                case BodyPart.Framing:
                    relayed += text;
                    break;
                case BodyPart.Discard:
                    break;
                default:
                    Assert.Equal(0, length);
                    return (data, relayed, consumed);
            }
        }
    }

    /// <summary>What a reader made of a body.</summary>
    public sealed record Reading(string Data, string Relayed, int Consumed, bool IsComplete, ChunkError Error);
}
