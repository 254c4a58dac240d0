using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

public sealed class StreamOracleTests
{
    [Fact]
    public void Random_streams_are_booked_as_the_runtime_s_parsers_read_them()
    {
        using ResponseMeter meter = new();
        for (int seed = 0; seed < 4000; seed++)
        {
            byte[] body = new StreamGenerator(seed).Next();
            bool complete = seed % 3 != 0;
            string expected = MeterRun.Describe(StreamOracle.Read(body, complete));
            foreach (int cut in new[] { -1, -2, body.Length / 2, Math.Min(seed % 97, body.Length) })
            {
                string actual = MeterRun.Describe(MeterRun.Run(meter, body, MeterRun.EventStream, complete, cut));
                Assert.True(expected == actual, $"seed {seed}, cut {cut}\n{expected}\n{actual}\n{System.Text.Encoding.UTF8.GetString(body)}");
            }
        }
    }

    [Fact]
    public void Random_bytes_never_throw()
    {
        using ResponseMeter meter = new();
        RequestMeter request = new();
        Random random = new(7);
        byte[][] seeds = [Samples.Bytes(Samples.Stream), Samples.Bytes(Samples.Json)];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] body = [.. seeds[i & 1]];
            int mutations = random.Next(1, 20);
            for (int m = 0; m < mutations; m++)
            {
                int at = random.Next(body.Length);
                body[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)"\"\\{}[]:,\r\n0e"[random.Next(12)];
            }

            byte[] type = (i & 2) == 0 ? MeterRun.EventStream : MeterRun.Json;
            SpendRecord whole = MeterRun.Run(meter, body, type, complete: true, -1);
            SpendRecord cut = MeterRun.Run(meter, body, type, complete: true, random.Next(body.Length));
            Assert.Equal(MeterRun.Describe(whole), MeterRun.Describe(cut));
            PriceBook.BuiltIn.Price(whole);
            Assert.True(whole.CostNanoUsd >= 0);

            request.Begin(PathClass.Messages);
            request.Feed(body);
        }
    }

    [Fact]
    public void Deep_nesting_is_passed_over()
    {
        byte[] body = Samples.Bytes("{\"x\":" + new string('[', 1_000_000) + new string(']', 1_000_000) + ",\"usage\":{\"output_tokens\":3}}");
        Assert.Equal(3, MeterRun.Run(body, MeterRun.Json, complete: true, -1).Usage.OutputTokens);
    }
}
