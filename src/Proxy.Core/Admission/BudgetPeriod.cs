using System.Globalization;

namespace Proxy.Core.Admission;

/// <summary>
/// How long a budget lasts before it starts anew: slots of the UTC clock, as LiteLLM's users know them. Parts of a day are counted from
/// midnight;
/// days of 7 begin on Mondays; <c>30d</c> and <c>1mo</c> on the first of the month; other days and months in blocks from 1970 on.
/// </summary>
public readonly record struct BudgetPeriod
{
    private const long SecondMs = 1000;
    private const long DayMs = 86_400 * SecondMs;
    private const int MaxCount = 100_000;

    private readonly BudgetUnit _unit;
    private readonly int _count;

    private BudgetPeriod(BudgetUnit unit, int count)
    {
        _unit = unit;
        _count = count;
    }

    /// <summary>Never starts anew.</summary>
    public static BudgetPeriod Forever => default;

    /// <summary>
    /// It begins and ends at midnight, so that totals of days are enough to know what was spent in it. Also true of <see cref="Forever"/>.
    /// </summary>
    public bool IsWholeDays => _unit != BudgetUnit.Second;

    /// <summary>For people: <c>daily</c>, <c>weekly</c>, <c>monthly</c>, <c>total</c>, else as in <see cref="ToString"/>.</summary>
    public string Name => (_unit, _count) switch
    {
        (BudgetUnit.Forever, _) => "total",
        (BudgetUnit.Day, 1) => "daily",
        (BudgetUnit.Day, 7) => "weekly",
        (BudgetUnit.Month, 1) => "monthly",
        _ => ToString(),
    };

    /// <summary>
    /// Reads <c>30s</c>, <c>15m</c>, <c>5h</c>, <c>1d</c>, <c>1w</c>, <c>1mo</c> and the like; null and empty are <see cref="Forever"/>.
    /// </summary>
    public static bool TryParse(string? text, out BudgetPeriod period)
    {
        period = Forever;
        if (string.IsNullOrEmpty(text))
        {
            return true;
        }

        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
        {
            digits++;
        }

        if (!int.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            || count is < 1 or > MaxCount)
        {
            return false;
        }

        BudgetPeriod? read = text.AsSpan(digits) switch
        {
            "s" => OfSeconds(count),
            "m" => OfSeconds(count * 60L),
            "h" => OfSeconds(count * 3600L),
            "d" when count == 30 => new BudgetPeriod(BudgetUnit.Month, 1),
            "d" => new BudgetPeriod(BudgetUnit.Day, count),
            "w" => new BudgetPeriod(BudgetUnit.Day, count * 7),
            "mo" => new BudgetPeriod(BudgetUnit.Month, count),
            _ => null,
        };
        period = read ?? Forever;
        return read is not null;
    }

    /// <summary>Unix milliseconds of the beginning of the window that this time is in.</summary>
    public long StartOf(long unixMs)
    {
        long day = Floor(unixMs, DayMs);
        switch (_unit)
        {
            case BudgetUnit.Second:
                long length = _count * SecondMs;
                return length < DayMs ? (day * DayMs) + (Floor(unixMs - (day * DayMs), length) * length) : Floor(unixMs, length) * length;
            case BudgetUnit.Day:
                // 1970-01-01 was a Thursday: three days into its week.
                int offset = _count % 7 == 0 ? 3 : 0;
                return ((Floor(day + offset, _count) * _count) - offset) * DayMs;
            case BudgetUnit.Month:
                return MonthStart(Floor(MonthOf(unixMs), _count) * _count);
            default:
                return 0;
        }
    }

    /// <summary>
    /// Unix milliseconds of its end, which is the beginning of the next; <see cref="long.MaxValue"/> for <see cref="Forever"/>.
    /// </summary>
    public long EndOf(long unixMs)
    {
        long start = StartOf(unixMs);
        switch (_unit)
        {
            case BudgetUnit.Second:
                long length = _count * SecondMs;
                return length < DayMs ? Math.Min(start + length, (Floor(start, DayMs) + 1) * DayMs) : start + length;
            case BudgetUnit.Day:
                return start + (_count * DayMs);
            case BudgetUnit.Month:
                return MonthStart(MonthOf(start) + _count);
            default:
                return long.MaxValue;
        }
    }

    /// <summary>The text that <see cref="TryParse"/> reads, in its shortest form; empty for <see cref="Forever"/>.</summary>
    public override string ToString() => _unit switch
    {
        BudgetUnit.Forever => "",
        BudgetUnit.Month => Text(_count, "mo"),
        BudgetUnit.Day => Text(_count, "d"),
        _ when _count % 3600 == 0 => Text(_count / 3600, "h"),
        _ when _count % 60 == 0 => Text(_count / 60, "m"),
        _ => Text(_count, "s"),
    };

    private static BudgetPeriod OfSeconds(long seconds) => seconds % 86_400 == 0
        ? new BudgetPeriod(BudgetUnit.Day, (int)(seconds / 86_400))
        : new BudgetPeriod(BudgetUnit.Second, (int)Math.Min(seconds, int.MaxValue));

    private static string Text(int count, string unit) => string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");

    private static long MonthOf(long unixMs)
    {
        DateTime time = DateTimeOffset.FromUnixTimeMilliseconds(unixMs).UtcDateTime;
        return ((time.Year - 1970) * 12L) + time.Month - 1;
    }

    private static long MonthStart(long month) =>
        new DateTimeOffset((int)(1970 + Floor(month, 12)), (int)(month - (Floor(month, 12) * 12)) + 1, 1, 0, 0, 0, TimeSpan.Zero)
            .ToUnixTimeMilliseconds();

    private static long Floor(long value, long unit) => value >= 0 ? value / unit : -((-value + unit - 1) / unit);
}

/// <summary>What a <see cref="BudgetPeriod"/> counts in.</summary>
internal enum BudgetUnit : byte
{
    Forever = 0,
    Second,
    Day,
    Month,
}
