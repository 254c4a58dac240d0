using System.Buffers.Binary;
using System.Text;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

/// <summary>What a request says about its price, found in every cut of its body, and what that may cost at most.</summary>
public sealed class RequestShapeTests
{
    private static readonly Principal OnlySonnet = new() { Key = new KeyIdentity(new string('a', 64)), Models = new ModelAllowList(["claude-sonnet-5"]) };

    [Theory]
    [InlineData("128000", 128_000)]
    [InlineData("128000.0", 128_000)]
    [InlineData("1.28e5", 128_000)]
    [InlineData("1.28E+5", 128_000)]
    [InlineData("\"128000\"", 128_000)]
    [InlineData("\" 1.28e5 \"", 128_000)]
    [InlineData("0.5", 1)]
    [InlineData("999999999999999999999999", long.MaxValue)]
    [InlineData("1e400", long.MaxValue)]
    [InlineData("null", RequestShape.Unsaid)]
    [InlineData("-1", RequestShape.Unclear)]
    [InlineData("\"many\"", RequestShape.Unclear)]
    [InlineData("\"NaN\"", RequestShape.Unclear)]
    [InlineData("true", RequestShape.Unclear)]
    public void Max_tokens_is_read_as_a_lenient_reader_would_or_taken_for_unclear(string value, long expected) =>
        AssertEverySplit($$"""{"model":"m","messages":[],"max_tokens":{{value}}}""", shape => Assert.Equal(expected, shape.MaxTokens));

    [Fact]
    public void Of_two_max_tokens_the_larger_counts() =>
        AssertEverySplit("""{"max_tokens":5,"max_completion_tokens":900,"max_tokens":7}""", shape => Assert.Equal(900, shape.MaxTokens));

    [Fact]
    public void All_that_changes_a_price_is_seen() => AssertEverySplit(
        """
        {"speed":"fast","inference_geo":"us","n":3,"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}],
         "tools":[{"max_uses":7,"type":"web_search_20250305","name":"web_search"},{"type":"web_search_20250305"},{"name":"mine","input_schema":{"model":"no"}}]}
        """,
        shape =>
        {
            Assert.Equal((Speed.Fast, InferenceGeo.Us, 3, 12), (shape.Speed, shape.InferenceGeo, shape.Choices, shape.Searches));
            Assert.Equal(CacheWrites.Hour, shape.CacheWrites);
        });

    [Theory]
    [InlineData("""{"cache_control":{"type":"ephemeral"}}""", CacheWrites.FiveMinutes)]
    [InlineData("""{"messages":[{"content":[{"cache_control":{"ttl":"5m"}}]}]}""", CacheWrites.FiveMinutes)]
    [InlineData("""{"messages":[{"content":[{"type":"tool_result","content":[{"cache_control":{"ttl":"1h"}}]}]}]}""", CacheWrites.Hour)]
    [InlineData("""{"tools":[{"cache_control":{"ttl":"1h"}}]}""", CacheWrites.Hour)]
    [InlineData("""{"messages":[{"content":[{"type":"tool_use","input":{"cache_control":{"ttl":"1h"}}}]}]}""", CacheWrites.None)]
    public void Cache_writes_are_seen_wherever_they_may_stand(string body, CacheWrites expected) =>
        AssertEverySplit(body, shape => Assert.Equal(expected, shape.CacheWrites));

    public static TheoryData<string> BodiesWithAnotherModel => new()
    {
        """{"model":"claude-sonnet-5","tools":[{"type":"advisor_20260301","model":"claude-opus-5"}]}""",
        """{"tools":[{"type":"advisor_20260301","model":"claude-opus-5"}],"model":"claude-sonnet-5"}""",
        """{"model":"claude-sonnet-5","tools":[{"type":"advisor_20260301","config":{"deep":[{"mod\u0065l":"claude-opus-5"}]}}]}""",
        """{"model":"claude-sonnet-5","fallbacks":[{"model":"claude-opus-5"}]}""",
        """{"model":"claude-sonnet-5","fallbacks":["claude-sonnet-5","claude-opus-5"]}""",
        """{"model":"claude-sonnet-5","fallback_model":"claude-opus-5"}""",
        """{"model":"claude-sonnet-5","models":["claude-opus-5"]}""",
        """{"model":"claude-sonnet-5","context_management":{"edits":[{"type":"compact","model":"claude-opus-5"}]}}""",
        """{"model":"claude-sonnet-5","something_new":{"models":["claude-opus-5"]}}""",
    };

    [Theory]
    [MemberData(nameof(BodiesWithAnotherModel))]
    public void Every_model_that_a_request_names_is_judged_and_priced(string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            RequestMeter meter = Read(bytes, cut, PathClass.Messages, OnlySonnet);
            Assert.Equal(RefusalReason.ModelNotAllowed, meter.Judge(isWhole: true));
        }

        RequestMeter alone = Read(Encoding.UTF8.GetBytes("""{"model":"claude-sonnet-5"}"""), 0, PathClass.Messages, null);
        RequestMeter both = Read(bytes, 0, PathClass.Messages, null);
        Assert.True(both.Estimate(bytes.Length, isWhole: true, 0).WorstNanoUsd > alone.Estimate(bytes.Length, isWhole: true, 0).WorstNanoUsd);

        // An item of a batch is no way round.
        byte[] batch = Encoding.UTF8.GetBytes($$$"""{"requests":[{"params":{"model":"claude-sonnet-5"}},{"params":{{{body}}}}]}""");
        Assert.Equal(RefusalReason.ModelNotAllowed, Read(batch, 40, PathClass.BatchCreation, OnlySonnet).Judge(isWhole: true));
    }

    [Theory]
    [InlineData("""{"model":"claude-sonnet-5","metadata":{"model":"claude-opus-5"}}""")]
    [InlineData("""{"model":"claude-sonnet-5","tools":[{"name":"x","input_schema":{"properties":{"model":{"default":"claude-opus-5"}}}}]}""")]
    [InlineData("""{"model":"claude-sonnet-5","messages":[{"content":[{"type":"tool_use","input":{"model":"claude-opus-5"}}]}]}""")]
    [InlineData("""{"model":"claude-sonnet-5","tools":[{"name":"x","description":"{\"model\":\"claude-opus-5\"}"}]}""")]
    public void What_a_client_says_of_its_own_names_no_model(string body) =>
        Assert.Equal(RefusalReason.None, Read(Encoding.UTF8.GetBytes(body), 30, PathClass.Messages, OnlySonnet).Judge(isWhole: true));

    [Fact]
    public void A_setting_that_lies_too_deep_to_be_sure_of_is_unclear()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 100)) + "{\"model\":\"claude-opus-5\"}" + new string('}', 100);
        byte[] body = Encoding.UTF8.GetBytes($$"""{"model":"claude-sonnet-5","new":{{deep}}}""");
        Assert.Equal(RefusalReason.ModelUnclear, Read(body, 9, PathClass.Messages, OnlySonnet).Judge(isWhole: true));
    }

    [Fact]
    public void More_models_than_are_kept_cost_what_the_dearest_costs()
    {
        string names = string.Join(',', Enumerable.Range(0, 20).Select(i => $"\"claude-haiku-4-5-2025100{i % 10}\",\"x{i}\""));
        byte[] body = Encoding.UTF8.GetBytes($$"""{"model":"claude-haiku-4-5","max_tokens":1000000,"fallbacks":[{{names}},"claude-opus-4-1"]}""");
        long worst = Read(body, 0, PathClass.Messages, null).Estimate(body.Length, isWhole: true, 0).WorstNanoUsd;
        Assert.True(worst >= 32_000 * 75_000L, $"{worst}");
    }

    [Theory]
    [InlineData(200, 100, 27)]
    [InlineData(1000, 1000, 1334)]
    [InlineData(8000, 8000, MediaProbe.LargestImage)]
    [InlineData(1, 1, 1)]
    public void An_image_counts_by_its_size_and_not_by_its_bytes(int width, int height, long tokens)
    {
        foreach (byte[] image in new[] { Png(width, height), Jpeg(width, height), Gif(width, height), WebP(width, height, 'X'), WebP(width, height, 'L'), WebP(width, height, ' ') })
        {
            string data = Convert.ToBase64String(image);
            string escaped = data.Replace("/", "\\/", StringComparison.Ordinal);
            foreach (string body in new[]
            {
                $$$"""{"messages":[{"content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{data}}}"}}]}]}""",
                $$$"""{"messages":[{"content":[{"type":"tool_result","content":[{"source":{"data" : "{{{escaped}}}","type":"base64"},"type":"image"}]}]}]}""",
                $$$"""{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,{{{data}}}"}}]}]}""",
            })
            {
                AssertEverySplit(
                    body,
                    shape =>
                    {
                        Assert.Equal(tokens, shape.MediaTokens);
                        Assert.InRange(shape.MediaBytes, data.Length, data.Length + 30);
                    },
                    step: 7);
            }
        }
    }

    [Theory]
    [InlineData("""{"type":"image","source":{"type":"url","url":"https://a.b/c.png"}}""", MediaProbe.LargestImage)]
    [InlineData("""{"type":"image","source":{"type":"file","file_id":"file_1"}}""", MediaProbe.LargestImage)]
    [InlineData("""{"type":"document","source":{"type":"url","url":"https://a.b/c.pdf"}}""", MediaProbe.UnseenDocument)]
    [InlineData("""{"type":"document","source":{"type":"text","media_type":"text/plain","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAAAAAAAAAAAAAAAAAAA"}}""", 0)]
    [InlineData("""{"type":"image","source":{"type":"base64","data":"QUJDRA=="}}""", 0)]
    [InlineData("""{"type":"image_url","image_url":{"url":"https://a.b/c.png"}}""", MediaProbe.LargestImage)]
    public void What_lies_elsewhere_counts_as_the_dearest_and_text_as_text(string block, long tokens) =>
        AssertEverySplit($$"""{"messages":[{"content":[{{block}}]}]}""", shape => Assert.Equal(tokens, shape.MediaTokens));

    [Fact]
    public void A_document_counts_by_its_pages()
    {
        foreach ((int bytes, long tokens) in new[] { (500, 3000), (3_000_000, 300_000L) })
        {
            byte[] pdf = new byte[bytes];
            "%PDF-1.7\n"u8.CopyTo(pdf);
            string body = $$$"""{"messages":[{"content":[{"type":"document","source":{"type":"base64","data":"{{{Convert.ToBase64String(pdf)}}}"}}]}]}""";
            RequestMeter meter = Read(Encoding.UTF8.GetBytes(body), 77, PathClass.Messages, null);
            Assert.InRange(meter.Shape.MediaTokens, tokens, tokens + 1);
        }
    }

    [Fact]
    public void Five_megabytes_of_screenshots_do_not_reserve_five_dollars()
    {
        byte[] image = new byte[500_000];
        Png(1920, 1080).CopyTo(image, 0);
        string block = $$$"""{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{Convert.ToBase64String(image)}}}"}}""";
        string body = $$"""{"model":"claude-opus-5","max_tokens":1000,"messages":[{"role":"user","content":[{{string.Join(',', Enumerable.Repeat(block, 8))}}]}]}""";
        RequestMeter meter = Read(Encoding.UTF8.GetBytes(body), 4096, PathClass.Messages, null);
        CostEstimate estimate = meter.Estimate(body.Length, isWhole: true, 0);

        // Eight images of 2,765 tokens at 5 dollars a million, not a third of a million tokens each.
        Assert.InRange(estimate.InputNanoUsd, 8 * 2765 * 5000L, (8 * 2765 * 5000L) + 2_000_000);
    }

    [Fact]
    public void Max_tokens_is_no_more_than_the_model_can_write()
    {
        foreach (string word in new[] { "999999999", "\"999999999\"", "true" })
        {
            CostEstimate estimate = EstimateOf($$"""{"model":"claude-opus-4-1","max_tokens":{{word}}}""");
            Assert.Equal((32_000 * 75_000L, 32_000), (estimate.OutputNanoUsd, estimate.OutputTokens));
        }
    }

    [Fact]
    public void What_it_is_reckoned_to_put_out_counts_only_until_the_body_is_whole()
    {
        byte[] body = Encoding.UTF8.GetBytes("""{"model":"claude-opus-4-1"}""");
        RequestMeter meter = Read(body, 0, PathClass.Messages, null);
        Assert.Equal(8192, meter.Estimate(body.Length, isWhole: false, 8192).OutputTokens);
        Assert.Equal(32_000, meter.Estimate(body.Length, isWhole: true, 8192).OutputTokens);
    }

    [Theory]
    [InlineData("", 1.0)]
    [InlineData(""","speed":"fast" """, 2.0)]
    [InlineData(""","inference_geo":"us" """, 1.1)]
    [InlineData(""","n":4""", 4.0)]
    public void The_estimate_of_the_output_knows_what_the_request_says_of_its_price(string setting, double factor)
    {
        CostEstimate estimate = EstimateOf($$"""{"model":"claude-opus-5","max_tokens":1000{{setting}}}""");
        Assert.Equal((long)(1000 * 25_000 * factor), estimate.OutputNanoUsd);
    }

    [Theory]
    [InlineData("", 5000)]
    [InlineData(""","cache_control":{"type":"ephemeral"}""", 6250)]
    [InlineData(""","cache_control":{"type":"ephemeral","ttl":"1h"}""", 10_000)]
    public void The_estimate_of_the_input_is_at_the_rate_of_its_cache_writes(string setting, long nanoPerToken)
    {
        string body = $$"""{"model":"claude-opus-5","max_tokens":1,"messages":[{"role":"user","content":"{{new string('x', 400_000)}}"}]{{setting}}}""";
        Assert.Equal(body.Length / 4 * nanoPerToken, EstimateOf(body).InputNanoUsd);
    }

    [Fact]
    public void Searches_are_in_the_estimate()
    {
        CostEstimate estimate = EstimateOf("""{"model":"claude-opus-5","max_tokens":1,"tools":[{"type":"web_search_20250305","max_uses":100}]}""");
        Assert.InRange(estimate.InputNanoUsd, 1_000_000_000, 4_000_000_000);
    }

    [Fact]
    public void A_batch_is_priced_item_by_item_at_half_the_rates()
    {
        string item = """{"custom_id":"a","params":{"model":"claude-opus-5","max_tokens":1000,"messages":[]}}""";
        byte[] batch = Encoding.UTF8.GetBytes($$$"""{"requests":[{{{item}}},{{{item}}},{"params":{"max_tokens":10,"model":"claude-haiku-4-5"}}]}""");
        CostEstimate whole = default;
        for (int cut = 0; cut <= batch.Length; cut++)
        {
            RequestMeter meter = Read(batch, cut, PathClass.BatchCreation, null);
            CostEstimate estimate = meter.Estimate(0, isWhole: true, 0);
            whole = cut == 0 ? estimate : whole;
            Assert.Equal(whole, estimate);
        }

        Assert.Equal((2 * 1000 * 12_500L) + (10 * 2500), whole.OutputNanoUsd);
        Assert.Equal(2010, whole.OutputTokens);

        RequestMeter begun = new();
        begun.Begin(PathClass.BatchCreation, null, PriceBook.BuiltIn, Now);
        begun.Feed(batch.AsSpan(0, 120));
        Assert.Equal(1000 * 12_500L, begun.Estimate(0, isWhole: false, 0).OutputNanoUsd);
    }

    private static readonly long Now = new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private static CostEstimate EstimateOf(string body) =>
        Read(Encoding.UTF8.GetBytes(body), 20, PathClass.Messages, null).Estimate(body.Length, isWhole: true, 0);

    private static RequestMeter Read(byte[] body, int cut, PathClass path, Principal? guarded)
    {
        RequestMeter meter = new();
        meter.Begin(path, guarded, PriceBook.BuiltIn, Now);
        meter.Feed(body.AsSpan(0, Math.Min(cut, body.Length)));
        meter.Feed(body.AsSpan(Math.Min(cut, body.Length)));
        return meter;
    }

    private static void AssertEverySplit(string body, Action<RequestShape> assert, int step = 1)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        for (int cut = 0; cut <= bytes.Length; cut += step)
        {
            assert(Read(bytes, cut, PathClass.Messages, null).Shape);
        }

        RequestMeter meter = new();
        meter.Begin(PathClass.Messages);
        foreach (byte next in bytes)
        {
            meter.Feed([next]);
        }

        assert(meter.Shape);
    }

    private static byte[] Png(int width, int height)
    {
        byte[] image = new byte[60];
        new byte[] { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52 }.CopyTo(image, 0);
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(20), height);
        return image;
    }

    /// <summary>With a camera's notes and tables before the frame.</summary>
    private static byte[] Jpeg(int width, int height)
    {
        List<byte> image = [0xFF, 0xD8, 0xFF, 0xE1, 0x01, 0x2C, .. new byte[298], 0xFF, 0xFF, 0xDB, 0x00, 0x43, .. new byte[65], 0xFF, 0xC4, 0x00, 0x03, 0x00];
        image.AddRange([0xFF, 0xC2, 0x00, 0x11, 0x08, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 3]);
        image.AddRange(new byte[40]);
        return [.. image];
    }

    private static byte[] Gif(int width, int height)
    {
        byte[] image = new byte[40];
        "GIF89a"u8.CopyTo(image);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(6), (ushort)width);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(8), (ushort)height);
        return image;
    }

    private static byte[] WebP(int width, int height, char kind)
    {
        byte[] image = new byte[50];
        "RIFF\0\0\0\0WEBPVP8 "u8.CopyTo(image);
        image[15] = (byte)kind;
        switch (kind)
        {
            case 'X':
                BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(24), width - 1);
                BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(27), height - 1);
                break;
            case 'L':
                BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(21), (width - 1) | ((height - 1) << 14));
                break;
            default:
                BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(26), (ushort)width);
                BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(28), (ushort)height);
                break;
        }

        return image;
    }
}
