using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>A key that may use only certain models, on the wire: nothing it may not ask for ever reaches the upstream as a whole request.</summary>
public sealed class ModelGuardTests
{
    private const string Allowed = """{"model":"claude-sonnet-5","max_tokens":10}""";
    private const string Forbidden = """{"model":"claude-opus-5","max_tokens":10}""";

    private static readonly Principal Guarded = new() { Key = new KeyIdentity(Bench.KeyHash), Models = new ModelAllowList(["claude-sonnet-5"]), Workspace = WorkspaceAccess.All };

    private static string Late(string model) => "{\"messages\":[\"" + new string('x', 110_000) + "\"],\"model\":\"" + model + "\"}";

    private static string Chunked(string body, string path = "/anthropic/v1/messages") =>
        $"POST {path} HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n";

    /// <summary>More than the gateway holds back, and the rest when the upstream has begun to receive it.</summary>
    private static async Task<ScriptedUpstream> SendInTwoAsync(Bench bench, string request)
    {
        await bench.Client.SendAsync(request[..100_000]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await bench.Client.SendAsync(request[100_000..]);
        return upstream;
    }

    [Fact]
    public async Task An_allowed_model_passes_and_the_body_is_the_same()
    {
        await using Bench bench = new(principal: Guarded);
        await bench.Client.SendAsync(Bench.Post(Allowed));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        Assert.EndsWith(Allowed, await upstream.ReceiveUntilAsync("}"), StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("{}"));
        _ = await bench.Client.ReadUntilAsync("{}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_forbidden_model_reaches_no_upstream(bool chunked)
    {
        await using Bench bench = new(principal: Guarded);
        await bench.Client.SendAsync(chunked ? Chunked(Forbidden) : Bench.Post(Forbidden));
        Assert.StartsWith("HTTP/1.1 403 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
        SpendRecord record = await bench.Sink.NextAsync(0);
        Assert.Equal((RefusalReason.ModelNotAllowed, EndReason.Refused, "claude-opus-5"), (record.Refusal, record.EndReason, record.ModelAsked.ToString()));
    }

    [Fact]
    public async Task Nothing_leaves_before_the_model_is_known_even_byte_by_byte()
    {
        await using Bench bench = new(principal: Guarded);
        string request = Bench.Post(Allowed);
        int known = request.IndexOf("sonnet-5\"", StringComparison.Ordinal) + "sonnet-5\"".Length;
        foreach (char next in request[..(known - 1)])
        {
            await bench.Client.SendAsync(next.ToString());
        }

        Assert.Equal(0, bench.Dials);
        await bench.Client.SendAsync(request[(known - 1)..]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        Assert.EndsWith(Allowed, await upstream.ReceiveUntilAsync("}"), StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("{}"));
        _ = await bench.Client.ReadUntilAsync("{}");
    }

    [Fact]
    public async Task After_a_refusal_the_connection_serves_the_next_request()
    {
        await using Bench bench = new(principal: Guarded);
        await bench.Client.SendAsync(Bench.Post(Forbidden) + Bench.Post(Allowed));
        Assert.StartsWith("HTTP/1.1 403 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        Assert.EndsWith(Allowed, await upstream.ReceiveUntilAsync("}"), StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("{}"));
        _ = await bench.Client.ReadUntilAsync("{}");
    }

    [Fact]
    public async Task A_model_that_comes_late_and_is_allowed_passes()
    {
        await using Bench bench = new(principal: Guarded);
        string body = Late("claude-sonnet-5");
        ScriptedUpstream upstream = await SendInTwoAsync(bench, Bench.Post(body));
        Assert.EndsWith(body, await upstream.ReceiveUntilAsync("sonnet-5\"}"), StringComparison.Ordinal);
        await upstream.RespondAsync(Bench.Ok("{}"));
        _ = await bench.Client.ReadUntilAsync("{}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_model_that_comes_late_and_is_forbidden_never_completes_the_request(bool chunked)
    {
        await using Bench bench = new(principal: Guarded);
        string body = Late("claude-opus-5");
        ScriptedUpstream upstream = await SendInTwoAsync(bench, chunked ? Chunked(body) : Bench.Post(body));
        Assert.StartsWith("HTTP/1.1 403 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(RefusalReason.ModelNotAllowed, (await bench.Sink.NextAsync(0)).Refusal);
        AssertCutBeforeItsEnd(upstream);
    }

    [Fact]
    public async Task A_second_model_behind_the_first_never_completes_the_request()
    {
        await using Bench bench = new(principal: Guarded);
        string body = "{\"model\":\"claude-sonnet-5\",\"messages\":[\"" + new string('x', 110_000) + "\"],\"model\":\"claude-opus-5\"}";
        ScriptedUpstream upstream = await SendInTwoAsync(bench, Bench.Post(body));
        Assert.StartsWith("HTTP/1.1 400 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(RefusalReason.ModelUnclear, (await bench.Sink.NextAsync(0)).Refusal);
        AssertCutBeforeItsEnd(upstream);
    }

    [Fact]
    public async Task A_client_that_waits_for_Continue_is_judged_on_the_way()
    {
        await using Bench bench = new(principal: Guarded);
        string request = Bench.Post(Forbidden, extra: "Expect: 100-continue\r\n");
        int body = request.Length - Forbidden.Length;
        await bench.Client.SendAsync(request[..body]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync("HTTP/1.1 100 Continue\r\n\r\n");
        _ = await bench.Client.ReadUntilAsync("100 Continue\r\n\r\n");
        await bench.Client.SendAsync(request[body..]);
        Assert.StartsWith("HTTP/1.1 403 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.True(upstream.WasAborted);
    }

    [Fact]
    public async Task A_body_that_never_names_its_model_is_waited_for_only_so_long()
    {
        await using Bench bench = new(principal: Guarded);
        await bench.Client.SendAsync(Bench.Post(Allowed)[..^Allowed.Length] + "{\"mess");
        bench.Pass(TimeSpan.FromSeconds(31));
        Assert.StartsWith("HTTP/1.1 408 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
    }

    [Fact]
    public async Task A_client_that_leaves_while_its_model_is_awaited_is_booked_as_gone()
    {
        await using Bench bench = new(principal: Guarded);
        await bench.Client.SendAsync(Bench.Post(Allowed)[..^Allowed.Length] + "{\"mess");
        bench.Client.Leave();
        Assert.Equal(EndReason.ClientGone, (await bench.Sink.NextAsync(0)).EndReason);
        Assert.Equal(0, bench.Dials);
    }

    [Theory]
    [InlineData("POST", "/anthropic/v1/nobody-knows", "", 403)]
    [InlineData("PUT", "/anthropic/v1/messages", "", 403)]
    [InlineData("POST", "/anthropic/v1/sessions", "", 403)]
    [InlineData("POST", "/anthropic/v1/messages", "Content-Encoding: gzip\r\n", 400)]
    [InlineData("POST", "/anthropic/v1/%6dessages", "Content-Encoding: gzip\r\n", 400)]
    public async Task What_cannot_be_checked_is_refused(string method, string path, string extra, int status)
    {
        await using Bench bench = new(principal: Guarded);
        await bench.Client.SendAsync($"{method}{Bench.Post(Allowed, extra, path)["POST".Length..]}");
        Assert.StartsWith($"HTTP/1.1 {status} ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
    }

    [Theory]
    [InlineData("/anthropic/v1/%6dessages")]
    [InlineData("/anthropic/v1/messages/")]
    [InlineData("/anthropic/v1/messages/count_tokens")]
    [InlineData("/anthropic/v1/chat/completions")]
    [InlineData("/anthropic/v1/complete")]
    public async Task Other_spellings_of_the_path_are_guarded_too(string path)
    {
        await using Bench bench = new(principal: Guarded);
        await bench.Client.SendAsync(Bench.Post(Forbidden, path: path));
        Assert.StartsWith("HTTP/1.1 403 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
    }

    [Fact]
    public async Task Batches_are_checked_item_by_item()
    {
        await using Bench bench = new(principal: Guarded);
        string item = $$"""{"custom_id":"a","params":{{Allowed}}},""";
        string body = "{\"requests\":[" + string.Concat(Enumerable.Repeat(item, 1500)) + $$"""{"custom_id":"z","params":{{Forbidden}}}]}""";
        ScriptedUpstream upstream = await SendInTwoAsync(bench, Bench.Post(body, path: "/anthropic/v1/messages/batches"));
        Assert.StartsWith("HTTP/1.1 403 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        AssertCutBeforeItsEnd(upstream);
    }

    private static void AssertCutBeforeItsEnd(ScriptedUpstream upstream)
    {
        Assert.True(upstream.WasAborted);
        Assert.NotEqual("", upstream.LastFlushed);
        Assert.DoesNotContain("opus", upstream.LastFlushed, StringComparison.Ordinal);
    }
}
