using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>Limits and budgets on the wire: what a client is told, and that nothing stays reserved whatever becomes of a request.</summary>
public sealed class LimitTests
{
    private const long Usd = 1_000_000_000;

    // 1 million output tokens of claude-sonnet-5 are 10 dollars.
    private const string Body = """{"model":"claude-sonnet-5","max_tokens":100000}""";
    private const string Answer = """{"id":"msg_1","model":"claude-sonnet-5","usage":{"input_tokens":0,"output_tokens":100000}}""";

    private static AdmissionScope Scope(ScopeLimits limits, ScopeKind kind = ScopeKind.Key) => new(kind, "k") { Limits = limits };

    private static ScopeLimits Daily(long nano) => new() { Budgets = [new Budget(Period("1d"), nano)] };

    private static ScopeLimits WorstCase(long nano) => new() { Budgets = [new Budget(Period("1d"), nano) { Reserve = ReserveMode.WorstCase }] };

    private static BudgetPeriod Period(string text)
    {
        Assert.True(BudgetPeriod.TryParse(text, out BudgetPeriod period));
        return period;
    }

    private static Principal With(params AdmissionScope[] scopes) => new() { Key = new KeyIdentity(Bench.KeyHash), Scopes = scopes };

    private static BudgetState Read(AdmissionScope scope, Bench bench)
    {
        List<BudgetState> states = [];
        scope.ReadBudgets(bench.Time.GetUtcNow().ToUnixTimeMilliseconds(), states);
        return states[0];
    }

    private static async Task ServeAsync(Bench bench, string body = Body, string path = "/anthropic/v1/messages")
    {
        await bench.Client.SendAsync(Bench.Post(body, path: path));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("}");
        await upstream.RespondAsync(Bench.Ok(Answer, "Connection: close\r\n"));
        _ = await bench.Client.ReadUntilAsync("100000}}");
    }

    [Fact]
    public async Task A_spent_budget_is_refused_as_Anthropic_words_it()
    {
        AdmissionScope key = Scope(Daily(Usd));
        await using Bench bench = new(principal: With(key));
        await ServeAsync(bench);
        _ = await bench.Sink.NextAsync(0);
        Assert.Equal(Usd, Read(key, bench).SpentNanoUsd);
        await bench.Client.SendAsync(Bench.Post(Body));
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 429 Too Many Requests\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nretry-after: 43200\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nx-should-retry: false\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("""{"type":"error","error":{"type":"billing_error","message":"spend limit reached (daily; resets 2026-11-24 00:00 UTC)"}""", answer, StringComparison.Ordinal);
        Assert.Equal(RefusalReason.BudgetSpent, (await bench.Sink.NextAsync(1)).Refusal);
    }

    [Theory]
    [InlineData(ScopeKind.Team, "spend limit of the team reached (daily; resets 2026-11-24 00:00 UTC)")]
    [InlineData(ScopeKind.User, "spend limit of the user reached (daily; resets 2026-11-24 00:00 UTC)")]
    public async Task Whose_budget_it_is_is_said(ScopeKind kind, string message)
    {
        await using Bench bench = new(principal: With(Scope(ScopeLimits.None), Scope(Daily(0), kind)));
        await bench.Client.SendAsync(Bench.Post(Body));
        Assert.Contains(message, await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(0, bench.Dials);
    }

    [Fact]
    public async Task A_budget_without_a_period_says_that_it_does_not_reset()
    {
        await using Bench bench = new(principal: With(Scope(new ScopeLimits { Budgets = [new Budget(BudgetPeriod.Forever, 0)] })));
        await bench.Client.SendAsync(Bench.Post(Body));
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.Contains("spend limit reached (total; does not reset)", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("retry-after", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Under_way_a_request_reserves_what_it_may_cost()
    {
        AdmissionScope key = Scope(WorstCase(10 * Usd));
        await using Bench bench = new(principal: With(key));
        await bench.Client.SendAsync(Bench.Post(Body));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("}");

        // The output it allows is a dollar; its 48 bytes count as 12 tokens of input at 2 dollars a million.
        Assert.Equal(Usd + (Body.Length / 4 * 2000), Read(key, bench).ReservedNanoUsd);
        await upstream.RespondAsync(Bench.Ok(Answer));
        _ = await bench.Client.ReadUntilAsync("100000}}");
        _ = await bench.Sink.NextAsync(0);
        Assert.Equal((Usd, 0), (Read(key, bench).SpentNanoUsd, Read(key, bench).ReservedNanoUsd));
    }

    [Fact]
    public async Task What_is_not_known_at_first_is_reserved_when_it_is_read()
    {
        AdmissionScope key = Scope(WorstCase(100 * Usd));
        await using Bench bench = new(principal: With(key));
        string body = "{\"model\":\"claude-sonnet-5\",\"messages\":[\"" + new string('x', 20_000) + "\"],\"max_tokens\":200000}";
        string request = Bench.Post(body);
        await bench.Client.SendAsync(request[..10_000]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        Assert.Equal((body.Length / 4 * 2000L) + (8192 * 10_000L), Read(key, bench).ReservedNanoUsd);
        await bench.Client.SendAsync(request[10_000..]);
        _ = await upstream.ReceiveUntilAsync("200000}");

        // No more than the model can write.
        Assert.Equal((body.Length / 4 * 2000L) + (128_000 * 10_000L), Read(key, bench).ReservedNanoUsd);
        await upstream.RespondAsync(Bench.Ok(Answer));
        _ = await bench.Client.ReadUntilAsync("100000}}");
    }

    [Fact]
    public async Task Parallel_requests_are_limited_and_let_in_again()
    {
        AdmissionScope key = Scope(new ScopeLimits { ParallelRequests = 0 });
        await using Bench bench = new(principal: With(key));
        await bench.Client.SendAsync(Bench.Post(Body));
        string answer = await bench.Client.ReadAnswerAsync();
        Assert.Contains("\"rate_limit_error\"", answer, StringComparison.Ordinal);
        Assert.Contains("retry-after: 1\r\nx-should-retry: true\r\n".Split("\r\n")[0], answer, StringComparison.Ordinal);
        key.Limits = new ScopeLimits { ParallelRequests = 1 };
        await ServeAsync(bench);
        _ = await bench.Sink.NextAsync(1);
        Assert.Equal(0, key.InFlight);
    }

    [Fact]
    public async Task Requests_per_minute_are_refused_until_the_next_minute()
    {
        await using Bench bench = new(principal: With(Scope(new ScopeLimits { RequestsPerMinute = 1 })));
        await ServeAsync(bench);
        bench.Time.Advance(TimeSpan.FromSeconds(20));
        await bench.Client.SendAsync(Bench.Post(Body));
        Assert.Contains("retry-after: 40\r\n", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        bench.Time.Advance(TimeSpan.FromSeconds(40));
        await ServeAsync(bench);
    }

    [Fact]
    public async Task Cache_reads_are_no_tokens_of_the_minute()
    {
        AdmissionScope key = Scope(new ScopeLimits { TokensPerMinute = 1_000_000 });
        await using Bench bench = new(principal: With(key));
        await bench.Client.SendAsync(Bench.Post(Body));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("}");
        await upstream.RespondAsync(Bench.Ok("""{"model":"claude-sonnet-5","usage":{"input_tokens":10,"cache_read_input_tokens":90000,"cache_creation_input_tokens":200,"output_tokens":3}}"""));
        _ = await bench.Client.ReadUntilAsync(":3}}");
        _ = await bench.Sink.NextAsync(0);
        Assert.Equal((1, 213), key.ReadMinute(bench.Time.GetUtcNow().ToUnixTimeMilliseconds()));
    }

    [Fact]
    public async Task Counting_tokens_and_listing_models_is_free_of_limits()
    {
        await using Bench bench = new(principal: With(Scope(new ScopeLimits { RequestsPerMinute = 0, Budgets = [new Budget(BudgetPeriod.Forever, 0)] })));
        await ServeAsync(bench, path: "/anthropic/v1/messages/count_tokens");
        await bench.Client.SendAsync(Bench.Get());
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(Bench.Ok("fine"));
        _ = await bench.Client.ReadUntilAsync("fine");
    }

    [Fact]
    public async Task What_the_client_pays_is_not_counted()
    {
        await using Bench bench = new(principal: With(Scope(Daily(0))));
        await bench.Client.SendAsync(Bench.Post(Body, "x-api-key: sk-ant-api-mine\r\n"));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("}");
        await upstream.RespondAsync(Bench.Ok(Answer));
        _ = await bench.Client.ReadUntilAsync("100000}}");
    }

    [Fact]
    public async Task A_budget_of_one_model_leaves_the_others_alone()
    {
        AdmissionScope model = Scope(Daily(0), ScopeKind.KeyModel);
        Principal principal = new() { Key = new KeyIdentity(Bench.KeyHash), ModelScopes = [new ModelScope("claude-opus-5", model)] };
        await using Bench bench = new(principal: principal);
        await ServeAsync(bench);
        await bench.Client.SendAsync(Bench.Post("""{"model":"claude-opus-5-20260101[1m]"}"""));
        Assert.Contains("spend limit of the model reached", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.Equal(1, bench.Dials);
    }

    [Fact]
    public async Task A_model_that_comes_late_is_held_to_its_budget_before_the_body_ends()
    {
        AdmissionScope model = Scope(Daily(0), ScopeKind.KeyModel);
        await using Bench bench = new(principal: new Principal { Key = new KeyIdentity(Bench.KeyHash), ModelScopes = [new ModelScope("claude-opus-5", model)] });
        string request = Bench.Post("{\"messages\":[\"" + new string('x', 110_000) + "\"],\"model\":\"claude-opus-5\"}");
        await bench.Client.SendAsync(request[..100_000]);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await bench.Client.SendAsync(request[100_000..]);
        Assert.Contains("billing_error", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
        Assert.True(upstream.WasAborted);
        Assert.DoesNotContain("opus", upstream.LastFlushed, StringComparison.Ordinal);
    }

    public static TheoryData<string> Ends => new("dial", "cut head", "cut body", "client leaves", "error status", "refused body");

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task However_a_request_ends_nothing_stays_reserved(string end)
    {
        AdmissionScope key = Scope(new ScopeLimits { ParallelRequests = 1, Budgets = [new Budget(Period("1d"), 10 * Usd)] });
        AdmissionScope team = Scope(Daily(10 * Usd), ScopeKind.Team);
        await using Bench bench = new(principal: With(key, team));
        if (end == "dial")
        {
            bench.FailNextDial(ForwardFailure.UpstreamConnect);
        }

        await bench.Client.SendAsync(end == "refused body"
            ? $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: g\r\nx-litellm-api-key: {Bench.Key}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            : Bench.Post(Body));
        if (end is not ("dial" or "refused body"))
        {
            ScriptedUpstream upstream = await bench.UpstreamAsync();
            _ = await upstream.ReceiveUntilAsync("}");
            switch (end)
            {
                case "cut head":
                    await upstream.RespondAsync("HTTP/1.1 2");
                    upstream.EndResponses();
                    break;
                case "cut body":
                    await upstream.RespondAsync(Bench.Ok(Answer)[..^30]);
                    upstream.EndResponses();
                    break;
                case "client leaves":
                    bench.Client.Leave();
                    break;
                default:
                    await upstream.RespondAsync("HTTP/1.1 529 Overloaded\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
                    break;
            }
        }

        _ = await bench.Sink.NextAsync(0);
        Assert.Equal((0, 0), (key.InFlight, team.InFlight));
        Assert.Equal((0, 0), (Read(key, bench).ReservedNanoUsd, Read(team, bench).ReservedNanoUsd));

        // The prompt was read, by whoever left afterwards: its 48 bytes count as 12 tokens, less the half one.
        long spent = end is "cut body" or "client leaves" ? 11 * 2000 : 0;
        Assert.Equal((spent, spent), (Read(key, bench).SpentNanoUsd, Read(team, bench).SpentNanoUsd));
    }

    [Fact]
    public async Task A_body_whose_max_tokens_come_last_is_judged_again_before_its_last_byte_leaves()
    {
        // $9.70, and requests that may write for $1.28 each: their output stands behind a prompt that does not fit one send.
        AdmissionScope key = Scope(WorstCase(970 * Usd / 100));
        List<Bench> benches = [];
        string body = "{\"model\":\"claude-sonnet-5\",\"messages\":[\"" + new string('x', 100_000) + "\"],\"max_tokens\":128000}";
        string request = Bench.Post(body);
        int refused = 0;
        try
        {
            for (int i = 0; i < 20; i++)
            {
                Bench bench = new(principal: With(key));
                benches.Add(bench);
                await bench.Client.SendAsync(request[..^1]);
                ScriptedUpstream upstream = await bench.UpstreamAsync();
                _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
                await bench.Client.SendAsync(request[^1..]);
                if (upstream.WasAborted)
                {
                    refused++;
                    Assert.StartsWith("HTTP/1.1 429 ", await bench.Client.ReadAnswerAsync(), StringComparison.Ordinal);
                    Assert.DoesNotContain("128000}", upstream.LastFlushed, StringComparison.Ordinal);
                }
            }

            Assert.InRange(refused, 13, 14);
            Assert.InRange(Read(key, benches[0]).ReservedNanoUsd, 1, 970 * Usd / 100);
        }
        finally
        {
            foreach (Bench bench in benches)
            {
                await bench.DisposeAsync();
            }
        }

        Assert.Equal(0, key.InFlight);
    }

    [Fact]
    public async Task An_answer_that_runs_on_is_topped_up_while_it_runs()
    {
        AdmissionScope key = Scope(Daily(100 * Usd));
        await using Bench bench = new(principal: With(key));
        await bench.Client.SendAsync(Bench.Post(Body));
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("}");
        long first = Read(key, bench).ReservedNanoUsd;
        string delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
            + "\"delta\":{\"type\":\"text_delta\",\"text\":\"" + new string('y', 160_000) + "\"}}\n\n";
        await upstream.RespondAsync(
            $"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{delta.Length:x}\r\n{delta}\r\n");
        _ = await bench.Client.ReadUntilAsync("}}\n\n");
        Assert.InRange(Read(key, bench).ReservedNanoUsd, first + 1, long.MaxValue);
    }
}
