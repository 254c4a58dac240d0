using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering;
using Proxy.Core.Spend;
using Proxy.Simulator.Records;

namespace Proxy.Host.Tests.Simulator;

/// <summary>The meter reads what the simulator answers on the paths of completions, and both agree.</summary>
public sealed class SimulatorCompletionTests
{
    [Theory]
    [InlineData("/v1/chat/completions", "{\"model\":\"claude-opus-5\"}", true, true)]
    [InlineData("/v1/chat/completions", "{\"model\":\"claude-opus-5\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", true, true)]
    [InlineData("/v1/chat/completions", "{\"model\":\"claude-opus-5\",\"stream\":true}", true, false)]
    [InlineData("/v1/complete", "{\"model\":\"claude-opus-5\"}", false, false)]
    [InlineData("/v1/complete", "{\"model\":\"claude-opus-5\",\"stream\":true}", false, false)]
    public async Task An_answer_is_metered_as_the_truth_says(string path, string body, bool isChat, bool saysUsage)
    {
        await using SimulatorClient client = await SimulatorClient.StartAsync();
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("x-api-key", "sk-any");
        using HttpResponseMessage response = await client.Http.SendAsync(request, TestContext.Current.CancellationToken);
        byte[] answer = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.True(client.Server.Truth.TryGet(response.Headers.GetValues("request-id").Single(), out TruthRecord? truth));

        SpendRecord record = new() { PathClass = isChat ? PathClass.ChatCompletions : PathClass.Completions };
        using ResponseMeter meter = new();
        meter.Begin(record, 200, Encoding.ASCII.GetBytes(response.Content.Headers.ContentType!.ToString()), default);
        meter.Feed(answer);
        meter.End(complete: true);
        Assert.Equal("claude-opus-5", record.ModelServed.ToString());
        Assert.Equal(saysUsage, meter.HasUsage);
        Assert.Equal(!saysUsage, meter.LacksUsage);
        if (saysUsage)
        {
            Assert.Equal(truth.Final!.InputTokens, record.Usage.InputTokens);
            Assert.Equal(truth.Final.CacheReadInputTokens, record.Usage.CacheReadInputTokens);
            Assert.Equal(truth.Final.OutputTokens, record.Usage.OutputTokens);
        }
        else
        {
            Assert.Equal(truth.FinalTextBytes / 4, record.Usage.OutputTokens);
        }
    }
}
