using Proxy.Core.Anthropic;
using Proxy.Core.Metering;

namespace Proxy.Core.Tests.Metering;

public sealed class RequestMeterTests
{
    private const string Body = """
        {"system":[{"type":"text","text":"a \"model\": \\"}],"messages":[{"role":"user","content":"say {\"model\":\"evil\"} [}\u005d"},{"model":"evil","max_tokens":1}],
         "metadata":{"model":"evil","stream":false}, "mod\u0065l" : "claude-opus-5[1m]" ,"max_tokens":32000,"stream":true,"temperature":-1.5e3,"tools":[]}
        """;

    [Fact]
    public void Every_split_finds_the_top_level_model()
    {
        byte[] body = Samples.Bytes("\uFEFF" + Body);
        RequestMeter meter = new();
        for (int cut = 0; cut <= body.Length; cut++)
        {
            meter.Begin(PathClass.Messages);
            meter.Feed(body.AsSpan(0, cut));
            meter.Feed(body.AsSpan(cut));
            Assert.Equal("claude-opus-5[1m]", meter.Model.ToString());
            Assert.Equal(32000, meter.MaxTokens);
        }

        meter.Begin(PathClass.Messages);
        foreach (byte next in body)
        {
            meter.Feed([next]);
        }

        Assert.Equal("claude-opus-5[1m]", meter.Model.ToString());
    }

    [Theory]
    [InlineData("""{"model":"a","model":"b"}""", "b")]
    [InlineData("""{"model":"a","model":null}""", "a")]
    [InlineData("""{"model":["a"],"x":1}""", "")]
    [InlineData("""{"model":{"model":"a"}}""", "")]
    [InlineData("""{"Model":"a"}""", "")]
    [InlineData("""["model","a"]""", "")]
    [InlineData("\"model\"", "")]
    [InlineData("{\"messages\":[", "")]
    [InlineData("{\"model\":\"unfinish", "")]
    [InlineData("no json {\"model\":\"a\"}", "")]
    public void Model_of_odd_bodies(string body, string expected) => Assert.Equal(expected, Ask(body, PathClass.Messages));

    [Theory]
    [InlineData(PathClass.Messages, "m")]
    [InlineData(PathClass.CountTokens, "m")]
    [InlineData(PathClass.Files, "")]
    [InlineData(PathClass.Other, "")]
    public void Only_paths_with_a_model_are_looked_at(PathClass path, string expected) => Assert.Equal(expected, Ask("{\"model\":\"m\"}", path));

    private static string Ask(string body, PathClass path)
    {
        RequestMeter meter = new();
        meter.Begin(path);
        meter.Feed(Samples.Bytes(body));
        meter.End();
        return meter.Model.ToString();
    }
}
