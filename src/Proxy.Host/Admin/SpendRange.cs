using System.Globalization;

namespace Proxy.Host.Admin;

/// <summary>Whole UTC days, counted from 1970-01-01, both included.</summary>
internal readonly record struct SpendRange(long FirstDay, long LastDay)
{
    public const long DayMs = 86_400_000;

    public static readonly SpendRange All = new(0, 100_000_000);

    public long StartMs => FirstDay * DayMs;

    public long EndMs => (LastDay + 1) * DayMs;

    /// <exception cref="AdminException">400, with the parameter's name.</exception>
    public static SpendRange Read(IQueryCollection query, SpendRange fallback, string first = "start_date", string last = "end_date")
    {
        SpendRange range = new(Day(query, first) ?? fallback.FirstDay, Day(query, last) ?? fallback.LastDay);
        return range.FirstDay <= range.LastDay ? range : throw AdminException.Invalid(last, $"is before {first}");
    }

    public static SpendRange LastDays(long nowMs, int days) => new((nowMs / DayMs) - days + 1, nowMs / DayMs);

    public static string Text(long day) => DateTimeOffset.FromUnixTimeMilliseconds(day * DayMs).UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static long? DayOf(string text) =>
        Times.Parse(text) is { } time && time.Year is >= 1970 and <= 9999 ? time.ToUnixTimeMilliseconds() / DayMs : null;

    private static long? Day(IQueryCollection query, string name)
    {
        string text = query[name].ToString();
        return text.Length == 0 ? null : DayOf(text) ?? throw AdminException.Invalid(name, "must be a UTC date such as 2026-11-20");
    }
}
