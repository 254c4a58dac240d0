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
    public void Every_split_of_a_coded_body_gives_the_same_record(string coding)
    {
        using ResponseMeter meter = new();
        foreach ((string text, byte[] type) in new[] { (Samples.Stream, MeterRun.EventStream), (Samples.Json, MeterRun.Json) })
        {
            byte[] plain = Samples.Bytes(text);
            string expected = MeterRun.Describe(MeterRun.Run(meter, plain, type, complete: true, -1));
            byte[] coded = Encode(plain, coding);
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
    [InlineData("zstd")]
    [InlineData("deflate")]
    [InlineData("gzip, br")]
    [InlineData("gzipp")]
    public void Unknown_coding_is_unreadable(string coding)
    {
        SpendRecord record = MeterRun.Run(Samples.Bytes(Samples.Stream), MeterRun.EventStream, complete: true, -1, coding);
        Assert.Equal(SpendFlags.Unreadable, record.Flags);
        Assert.Equal(default, record.Usage);
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
        using (Stream encoder = coding.Contains("br") ? new BrotliStream(output, CompressionLevel.Optimal) : new GZipStream(output, CompressionLevel.Optimal))
        {
            encoder.Write(plain);
        }

        return output.ToArray();
    }
}
