using System.IO.Compression;
using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

public sealed class ContentCodingTests
{
    [Theory]
    [InlineData("gzip")]
    [InlineData("GZip")]
    [InlineData("x-gzip")]
    [InlineData(" br ")]
    [InlineData("zstd")]
    [InlineData("deflate")]
    [InlineData("deflate", "raw deflate")]
    public void Every_split_of_a_coded_body_gives_the_same_record(string coding, string? encoder = null)
    {
        using ResponseMeter meter = new();
        foreach ((string text, byte[] type) in new[] { (Samples.Stream, MeterRun.EventStream), (Samples.Json, MeterRun.Json) })
        {
            byte[] plain = Samples.Bytes(text);
            string expected = MeterRun.Describe(MeterRun.Run(meter, plain, type, complete: true, -1));
            byte[] coded = Encode(plain, encoder ?? coding);
            for (int cut = -2; cut <= coded.Length; cut++)
            {
                Assert.Equal(expected, MeterRun.Describe(MeterRun.Run(meter, coded, type, complete: true, cut, coding)));
            }
        }
    }

    [Fact]
    public void Events_are_booked_as_they_are_flushed_by_the_upstream()
    {
        // What a live stream looks like: the encoder flushes after every event, and the meter must know it then, not at the end.
        string[] events = Samples.Stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        foreach (string coding in new[] { "gzip", "br" })
        {
            using MemoryStream output = new();
            using Stream encoder = coding == "br" ? new BrotliStream(output, CompressionLevel.Fastest) : new GZipStream(output, CompressionLevel.Fastest);
            using ResponseMeter meter = new();
            SpendRecord record = new() { PathClass = PathClass.Messages };
            meter.Begin(record, 200, MeterRun.EventStream, Encoding.ASCII.GetBytes(coding));
            int fed = 0;
            foreach (string text in events)
            {
                encoder.Write(Samples.Bytes(text + "\n\n"));
                encoder.Flush();
                meter.Feed(output.GetBuffer().AsSpan(fed, (int)output.Length - fed));
                fed = (int)output.Length;
                Assert.Equal(text.Contains("message_delta") || text.Contains("message_stop") ? 321 : 1, record.Usage.OutputTokens);
            }

            meter.End(complete: true);
            Assert.Equal(SpendFlags.None, record.Flags);
        }
    }

    [Fact]
    public void Gzip_members_one_after_another_are_one_body()
    {
        byte[] plain = Samples.Bytes(Samples.Stream);
        byte[] coded = [.. Encode(plain[..700], "gzip"), .. Encode(plain[700..], "gzip")];
        string expected = MeterRun.Describe(MeterRun.Sse(plain));
        for (int cut = -2; cut <= coded.Length; cut++)
        {
            Assert.Equal(expected, MeterRun.Describe(MeterRun.Run(coded, MeterRun.EventStream, complete: true, cut, "gzip")));
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public void Corrupt_body_is_flagged_and_never_throws(string coding)
    {
        byte[] coded = Encode(Samples.Bytes(Samples.Stream), coding);
        using ResponseMeter meter = new();
        for (int i = 0; i < coded.Length; i++)
        {
            byte[] broken = [.. coded];
            broken[i] ^= 0x5A;
            MeterRun.Run(meter, broken, MeterRun.EventStream, complete: true, i, coding);
        }

        byte[] garbage = Enumerable.Repeat((byte)0xFF, 64).ToArray();
        Assert.True(MeterRun.Run(meter, garbage, MeterRun.EventStream, complete: true, -1, coding).Flags.HasFlag(SpendFlags.Unreadable));

        // The meter is as good as new afterwards.
        Assert.Equal(SpendFlags.None, MeterRun.Run(meter, coded, MeterRun.EventStream, complete: true, -1, coding).Flags);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public void Cut_coded_body_books_what_was_seen(string coding)
    {
        byte[] coded = Encode(Samples.Bytes(Samples.Stream), coding);
        SpendRecord record = MeterRun.Run(coded[..^8], MeterRun.EventStream, complete: false, -1, coding);
        Assert.True(record.Flags.HasFlag(SpendFlags.Incomplete));
    }

    [Theory]
    [InlineData("", "gzip")]
    [InlineData("identity", "gzip")]
    [InlineData("", "zstd")]
    [InlineData("", "deflate")]
    [InlineData("gzip", "zstd")]
    [InlineData("zstd", "gzip")]
    [InlineData("deflate", "gzip")]
    [InlineData("compress", "gzip")]
    [InlineData("gzip", "identity")]
    [InlineData("zstd", "identity")]
    [InlineData("compress", "identity")]
    public void A_coding_that_is_not_what_its_label_says_is_told_by_its_first_bytes(string label, string encoder)
    {
        using ResponseMeter meter = new();
        foreach ((string text, byte[] type) in new[] { (Samples.Stream, MeterRun.EventStream), (Samples.Json, MeterRun.Json) })
        {
            byte[] plain = Samples.Bytes(text);
            string expected = MeterRun.Describe(MeterRun.Run(meter, plain, type, complete: true, -1));
            byte[] coded = encoder == "identity" ? plain : Encode(plain, encoder);
            for (int cut = -2; cut <= Math.Min(coded.Length, 40); cut++)
            {
                SpendRecord record = MeterRun.Run(meter, coded, type, complete: true, cut, label);
                Assert.Equal(SpendFlags.Irregular, record.Flags);
                record.Flags = SpendFlags.None;
                Assert.Equal(expected, MeterRun.Describe(record));
            }
        }
    }

    [Theory]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("compress")]
    public void A_coding_that_cannot_be_read_is_flagged_and_told_to_the_exchange(string coding)
    {
        using ResponseMeter meter = new();
        byte[] garbage = Enumerable.Repeat((byte)0xFF, 64).ToArray();
        SpendRecord record = MeterRun.Run(meter, garbage, MeterRun.EventStream, complete: true, -2, coding);
        Assert.True(record.Flags.HasFlag(SpendFlags.Unreadable));
        Assert.Equal(default, record.Usage);
        Assert.True(meter.LacksUsage);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_body_that_ends_before_its_coding_is_clear_is_unreadable(int length)
    {
        byte[] zstandard = [0x28, 0xB5, 0x2F, 0xFD];
        Assert.True(MeterRun.Run(zstandard[..length], MeterRun.Json, complete: true, -1).Flags.HasFlag(SpendFlags.Unreadable));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("deflate")]
    [InlineData("raw deflate")]
    public void A_body_that_unpacks_to_too_much_is_given_up_and_flagged(string coding)
    {
        byte[] bomb = Encode([.. Samples.Bytes(Samples.Stream), .. new byte[4 * 1024 * 1024]], coding);
        using ResponseMeter meter = new() { MaxDecodedBytes = 64 * 1024 };
        SpendRecord record = MeterRun.Run(meter, bomb, MeterRun.EventStream, complete: true, -1, coding[(coding.IndexOf(' ') + 1)..]);
        Assert.Equal((321, SpendFlags.Unreadable), (record.Usage.OutputTokens, record.Flags));

        // What shrank as text does is read to its end however long it is.
        string text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"event: content_block_delta\ndata: {{\"type\":\"x\",\"delta\":{{\"text\":\"{i * 7919 % 10_007}\"}}}}\n\n"));
        byte[] large = Encode([.. Samples.Bytes(text), .. Samples.Bytes(Samples.Stream)], coding);
        Assert.Equal(321, MeterRun.Run(meter, large, MeterRun.EventStream, complete: true, -1, coding[(coding.IndexOf(' ') + 1)..]).Usage.OutputTokens);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public void Small_body_that_unpacks_to_a_huge_one_is_scanned_through_a_fixed_buffer(string coding)
    {
        byte[] bomb = Encode(new byte[64 * 1024 * 1024].AsSpan().ToArray(), coding);
        using ResponseMeter meter = new();
        MeterRun.Run(meter, bomb, MeterRun.EventStream, complete: true, -1, coding);
        long before = GC.GetAllocatedBytesForCurrentThread();
        MeterRun.Run(meter, bomb, MeterRun.EventStream, complete: true, -1, coding);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }

    internal static byte[] Encode(byte[] plain, string coding)
    {
        using MemoryStream output = new();
        using (Stream encoder = coding.Trim() switch
        {
            "br" => new BrotliStream(output, CompressionLevel.Optimal),
            "zstd" => new ZstdSharp.CompressionStream(output),
            "deflate" => new ZLibStream(output, CompressionLevel.Optimal),
            "raw deflate" => new DeflateStream(output, CompressionLevel.Optimal),
            _ => new GZipStream(output, CompressionLevel.Optimal),
        })
        {
            encoder.Write(plain);
        }

        return output.ToArray();
    }
}
