using System.Globalization;
using Proxy.Core.Admission;

namespace Proxy.Core.Tests.Admission;

public sealed class BudgetPeriodTests
{
    [Theory]
    [InlineData("30s", "2026-11-23 10:20:45", "2026-11-23 10:20:30", "2026-11-23 10:21:00")]
    [InlineData("2m", "2026-10-06 07:02:12", "2026-10-06 07:02:00", "2026-10-06 07:04:00")]
    [InlineData("5m", "2026-10-06 07:02:12", "2026-10-06 07:00:00", "2026-10-06 07:05:00")]
    [InlineData("1h", "2026-10-06 07:02:12", "2026-10-06 07:00:00", "2026-10-06 08:00:00")]
    [InlineData("5h", "2026-11-23 21:00:00", "2026-11-23 20:00:00", "2026-11-24 00:00:00")]
    [InlineData("1d", "2026-10-06 07:02:12", "2026-10-06 00:00:00", "2026-10-07 00:00:00")]
    [InlineData("24h", "2026-10-06 07:02:12", "2026-10-06 00:00:00", "2026-10-07 00:00:00")]
    [InlineData("7d", "2026-10-06 07:02:12", "2026-10-05 00:00:00", "2026-10-12 00:00:00")]
    [InlineData("1w", "2026-11-23 00:00:00", "2026-11-23 00:00:00", "2026-11-30 00:00:00")]
    [InlineData("7d", "2026-11-22 23:59:59", "2026-11-16 00:00:00", "2026-11-23 00:00:00")]
    [InlineData("30d", "2026-10-06 07:02:12", "2026-10-01 00:00:00", "2026-11-01 00:00:00")]
    [InlineData("1mo", "2028-02-29 23:59:59", "2028-02-01 00:00:00", "2028-03-01 00:00:00")]
    [InlineData("1mo", "2026-12-31 23:59:59", "2026-12-01 00:00:00", "2027-01-01 00:00:00")]
    [InlineData("3mo", "2026-11-23 00:00:00", "2026-10-01 00:00:00", "2027-01-01 00:00:00")]
    [InlineData("2d", "1970-01-02 12:00:00", "1970-01-01 00:00:00", "1970-01-03 00:00:00")]
    public void A_window_is_a_slot_of_the_UTC_clock(string text, string time, string start, string end)
    {
        Assert.True(BudgetPeriod.TryParse(text, out BudgetPeriod period));
        Assert.Equal((Ms(start), Ms(end)), (period.StartOf(Ms(time)), period.EndOf(Ms(time))));
        Assert.Equal(Ms(start), period.StartOf(Ms(start)));
        Assert.Equal(Ms(start), period.StartOf(Ms(end) - 1));
        Assert.Equal(Ms(end), period.StartOf(Ms(end)));
        Assert.Equal(Ms(end), period.EndOf(Ms(end) - 1));
    }

    [Theory]
    [InlineData(null, "", "total", true)]
    [InlineData("", "", "total", true)]
    [InlineData("24h", "1d", "daily", true)]
    [InlineData("1w", "7d", "weekly", true)]
    [InlineData("30d", "1mo", "monthly", true)]
    [InlineData("90m", "90m", "90m", false)]
    [InlineData("60m", "1h", "1h", false)]
    [InlineData("14d", "14d", "14d", true)]
    public void It_has_one_text_and_a_name(string? text, string canonical, string name, bool isWholeDays)
    {
        Assert.True(BudgetPeriod.TryParse(text, out BudgetPeriod period));
        Assert.Equal((canonical, name, isWholeDays), (period.ToString(), period.Name, period.IsWholeDays));
        Assert.True(BudgetPeriod.TryParse(canonical, out BudgetPeriod again));
        Assert.Equal(period, again);
    }

    [Theory]
    [InlineData("d")]
    [InlineData("0d")]
    [InlineData("-1d")]
    [InlineData("1.5h")]
    [InlineData("1y")]
    [InlineData("1D")]
    [InlineData("99999999999d")]
    [InlineData("1d ")]
    public void Anything_else_is_refused(string text) => Assert.False(BudgetPeriod.TryParse(text, out _));

    [Fact]
    public void Forever_never_ends() => Assert.Equal((0, long.MaxValue), (BudgetPeriod.Forever.StartOf(123), BudgetPeriod.Forever.EndOf(123)));

    private static long Ms(string time) => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).ToUnixTimeMilliseconds();
}
