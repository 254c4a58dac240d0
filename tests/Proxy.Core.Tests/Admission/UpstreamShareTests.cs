using Proxy.Core.Admission;

namespace Proxy.Core.Tests.Admission;

/// <summary>No key and no team takes all dials and upstream connections.</summary>
public sealed class UpstreamShareTests
{
    [Fact]
    public void A_key_that_fills_its_share_leaves_the_others_theirs()
    {
        UpstreamShare[] greedy = [new()];
        UpstreamShare[] other = [new()];
        Assert.True(UpstreamShare.TryEnterDial(greedy, 2));
        Assert.True(UpstreamShare.TryEnterDial(greedy, 2));
        Assert.False(UpstreamShare.TryEnterDial(greedy, 2));
        Assert.True(UpstreamShare.TryEnterDial(other, 2));
        Assert.Equal((2, 1L, 0), (greedy[0].Dials, greedy[0].Refused, greedy[0].Connections));
        UpstreamShare.LeaveDial(greedy);
        Assert.True(UpstreamShare.TryEnterDial(greedy, 2));
    }

    [Fact]
    public void A_refusal_by_the_team_gives_the_keys_place_back()
    {
        UpstreamShare team = new();
        UpstreamShare[] first = [new(), team];
        UpstreamShare[] second = [new(), team];
        Assert.True(UpstreamShare.TryEnterConnection(first, 1));
        Assert.False(UpstreamShare.TryEnterConnection(second, 1));
        Assert.Equal((0, 1, 1L), (second[0].Connections, team.Connections, team.Refused));
        UpstreamShare.LeaveConnection(first);
        Assert.True(UpstreamShare.TryEnterConnection(second, 1));
    }

    [Fact]
    public void The_limit_holds_at_every_moment_and_nothing_stays_taken()
    {
        const int Max = 3;
        UpstreamShare team = new();
        int most = 0;
        Parallel.For(0, 8, _ =>
        {
            UpstreamShare[] shares = [new(), team];
            for (int i = 0; i < 20_000; i++)
            {
                if (UpstreamShare.TryEnterConnection(shares, Max))
                {
                    int seen = team.Connections;
                    if (seen > Volatile.Read(ref most))
                    {
                        Volatile.Write(ref most, seen);
                    }

                    UpstreamShare.LeaveConnection(shares);
                }
            }

            Assert.Equal(0, shares[0].Connections);
        });
        Assert.InRange(most, 1, Max);
        Assert.Equal(0, team.Connections);
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        UpstreamShare[] shares = [new(), new()];
        _ = UpstreamShare.TryEnterDial(shares, 1);
        UpstreamShare.LeaveDial(shares);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            _ = UpstreamShare.TryEnterConnection(shares, 1);
            _ = UpstreamShare.TryEnterDial(shares, 1);
            UpstreamShare.LeaveDial(shares);
            UpstreamShare.LeaveConnection(shares);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
