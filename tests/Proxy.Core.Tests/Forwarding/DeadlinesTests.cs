using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Forwarding;

namespace Proxy.Core.Tests.Forwarding;

public sealed class DeadlinesTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CoarseClock _clock;
    private readonly Deadlines _deadlines;

    public DeadlinesTests()
    {
        _clock = new CoarseClock(_time);
        _deadlines = new Deadlines(_clock);
        _deadlines.Begin(new GatewayLimits());
    }

    public void Dispose() => _clock.Dispose();

    [Fact]
    public void Each_lane_expires_for_itself_and_once()
    {
        _deadlines.Arm(DeadlineKind.ResponseBody, TimeSpan.FromSeconds(1));
        _deadlines.ArmUpload(DeadlineKind.RequestBody);
        Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(DeadlineKind.ResponseBody, _deadlines.TakeDue(_clock.NowMs));
        Assert.Equal(DeadlineKind.None, _deadlines.TakeDueUpload(_clock.NowMs));
        Assert.Equal(DeadlineKind.None, _deadlines.TakeDue(_clock.NowMs));
        Assert.Equal((DeadlineKind.ResponseBody, DeadlineKind.None), (_deadlines.Expired, _deadlines.UploadExpired));
        Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(DeadlineKind.RequestBody, _deadlines.TakeDueUpload(_clock.NowMs));
        Assert.Equal(DeadlineKind.RequestBody, _deadlines.UploadExpired);
    }

    [Fact]
    public void What_is_armed_anew_takes_the_place_of_what_was_due()
    {
        _deadlines.Arm(DeadlineKind.RequestHead, TimeSpan.FromSeconds(1));
        Pass(TimeSpan.FromSeconds(2));
        _deadlines.Arm(DeadlineKind.ResponseHead);
        Assert.False(_deadlines.IsDue(_clock.NowMs));
        Assert.Equal(DeadlineKind.None, _deadlines.TakeDue(_clock.NowMs));
    }

    [Fact]
    public void An_upload_does_not_wait_for_a_response_that_has_begun()
    {
        _deadlines.ArmUpload(DeadlineKind.ResponseHead);
        _deadlines.Answered();
        Pass(TimeSpan.FromSeconds(700));
        Assert.Equal(DeadlineKind.None, _deadlines.TakeDueUpload(_clock.NowMs));
        Assert.Equal(DeadlineKind.None, _deadlines.UploadExpired);
    }

    [Fact]
    public async Task The_clock_never_takes_an_old_time_for_a_new_kind()
    {
        const int Rounds = 200_000;
        using CancellationTokenSource done = new();
        Task<int> clock = Task.Run(() =>
        {
            int wrong = 0;
            while (!done.IsCancellationRequested)
            {
                // Only the linger of no time is ever due.
                wrong += _deadlines.TakeDue(_clock.NowMs + 1) is DeadlineKind.ClientRead ? 1 : 0;
            }

            return wrong;
        });
        for (int i = 0; i < Rounds; i++)
        {
            _deadlines.Arm(DeadlineKind.Linger, TimeSpan.Zero);
            _deadlines.Arm(DeadlineKind.ClientRead);
        }

        await done.CancelAsync();
        Assert.Equal(0, await clock);
        Assert.Equal(DeadlineKind.ClientRead, _deadlines.Armed);
    }

    private void Pass(TimeSpan time)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time + CoarseClock.Period; passed += CoarseClock.Period)
        {
            _time.Advance(CoarseClock.Period);
        }
    }
}
