using Proxy.Core.Admission;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Admission;

public sealed class RateTests
{
    private const long Minute = 60_000;
    private static readonly long Start = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public void Requests_per_minute_start_anew_with_the_minute()
    {
        AdmissionScope scope = Scope(new ScopeLimits { RequestsPerMinute = 2 });
        Assert.True(Pass(scope, Start));
        Assert.True(Pass(scope, Start + 100));
        Assert.False(Try([scope], Start + 15_000, out _, out AdmissionRefusal refusal));
        Assert.Equal((RefusalReason.RequestRate, 45), (refusal.Reason, refusal.RetryAfterSeconds));
        Assert.False(Pass(scope, Start + Minute - 1));
        Assert.True(Pass(scope, Start + Minute));
    }

    [Fact]
    public void Tokens_per_minute_count_when_they_are_settled()
    {
        AdmissionScope scope = Scope(new ScopeLimits { TokensPerMinute = 100 });
        Assert.True(Try([scope], Start, out AdmissionTicket ticket, out _));
        Assert.True(Pass(scope, Start));
        AdmissionGate.Settle(ref ticket, 0, 100, Start + Minute);
        Assert.False(Try([scope], Start + Minute, out _, out AdmissionRefusal refusal));
        Assert.Equal((RefusalReason.TokenRate, 60), (refusal.Reason, refusal.RetryAfterSeconds));
        Assert.True(Pass(scope, Start + (2 * Minute)));
    }

    [Fact]
    public void A_place_among_the_parallel_requests_is_free_again_when_one_ends()
    {
        AdmissionScope scope = Scope(new ScopeLimits { ParallelRequests = 1 });
        Assert.True(Try([scope], Start, out AdmissionTicket ticket, out _));
        Assert.False(Try([scope], Start, out _, out AdmissionRefusal refusal));
        Assert.Equal((RefusalReason.ParallelRequests, 1), (refusal.Reason, refusal.RetryAfterSeconds));
        AdmissionGate.Settle(ref ticket, 0, 0, Start);
        Assert.True(Pass(scope, Start));
    }

    [Fact]
    public void A_scope_that_refuses_leaves_nothing_taken_from_the_others()
    {
        AdmissionScope key = Scope(new ScopeLimits { RequestsPerMinute = 1, ParallelRequests = 1 });
        AdmissionScope team = Scope(new ScopeLimits { ParallelRequests = 0 });
        Assert.False(Try([key, team], Start, out AdmissionTicket ticket, out AdmissionRefusal refusal));
        Assert.Same(team, refusal.Scope);
        Assert.True(ticket.IsEmpty);
        Assert.Equal((0, 0, 0), (key.InFlight, key.ReadMinute(Start).Requests, key.ReadMinute(Start).Tokens));
        Assert.True(Pass(key, Start));
    }

    [Fact]
    public void A_clock_that_goes_back_opens_no_minute_again()
    {
        AdmissionScope scope = Scope(new ScopeLimits { RequestsPerMinute = 1 });
        Assert.True(Pass(scope, Start + Minute));
        Assert.False(Pass(scope, Start));
        Assert.False(Pass(scope, Start + Minute + 1));
    }

    [Fact]
    public void A_request_without_scopes_holds_nothing()
    {
        Assert.True(Try([], Start, out AdmissionTicket ticket, out _));
        Assert.True(ticket.IsEmpty);
        AdmissionGate.Settle(ref ticket, 1, 1, Start);
    }

    [Fact]
    public void Scopes_in_any_order_do_not_deadlock_and_count_exactly()
    {
        AdmissionScope one = Scope(new ScopeLimits { ParallelRequests = 3 });
        AdmissionScope two = Scope(new ScopeLimits { ParallelRequests = 3 });
        int most = 0;
        Parallel.For(0, 4, thread =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                if (Try(thread % 2 == 0 ? [one, two] : [two, one], Start, out AdmissionTicket ticket, out _))
                {
                    int now = one.InFlight;
                    if (now > Volatile.Read(ref most))
                    {
                        Volatile.Write(ref most, now);
                    }

                    AdmissionGate.Settle(ref ticket, 1, 1, Start);
                }
            }
        });
        Assert.InRange(most, 1, 3);
        Assert.Equal((0, 0), (one.InFlight, two.InFlight));
        Assert.Equal(one.ReadMinute(Start), two.ReadMinute(Start));
    }

    [Fact]
    public void Admission_allocates_nothing()
    {
        Assert.True(BudgetPeriod.TryParse("1d", out BudgetPeriod daily));
        ScopeLimits limits = new() { RequestsPerMinute = 1_000_000, TokensPerMinute = 1_000_000_000, ParallelRequests = 10, Budgets = [new Budget(daily, long.MaxValue), new Budget(BudgetPeriod.Forever, 1)] };
        AdmissionScope[] scopes = [Scope(limits with { Budgets = [limits.Budgets[0]] }), Scope(limits)];
        void Work(long now)
        {
            // The first passes, the second is refused for want of money once it has spent.
            if (AdmissionGate.TryAdmit(scopes, new AdmissionRequest(now, 5, true), out AdmissionTicket ticket, out _))
            {
                AdmissionGate.Raise(ref ticket, 7);
                AdmissionGate.Settle(ref ticket, 3, 10, now);
            }
        }

        for (int i = 0; i < 100; i++)
        {
            Work(Start + (i * 86_400_000L));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 100; i < 200; i++)
        {
            Work(Start + (i * 86_400_000L));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static AdmissionScope Scope(ScopeLimits limits) => new(ScopeKind.Key, "k") { Limits = limits };

    private static bool Try(ReadOnlySpan<AdmissionScope> scopes, long now, out AdmissionTicket ticket, out AdmissionRefusal refusal) =>
        AdmissionGate.TryAdmit(scopes, new AdmissionRequest(now, 0, IsCompanyPaid: true), out ticket, out refusal);

    private static bool Pass(AdmissionScope scope, long now)
    {
        bool passed = Try([scope], now, out AdmissionTicket ticket, out _);
        AdmissionGate.Settle(ref ticket, 0, 0, now);
        return passed;
    }
}
