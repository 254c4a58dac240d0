using System.Globalization;

namespace Proxy.LoadTests;

/// <summary>CPU time that the whole machine spent, to tell what processes took that are not of the run.</summary>
public static class MachineCpu
{
    private const long MicrosecondsPerTick = 10_000;

    public static long Microseconds() => ParseBusyTicks(File.ReadLines("/proc/stat").First()) * MicrosecondsPerTick;

    /// <summary>The first line of proc_stat(5), without idle and iowait; guest times are in user and nice already.</summary>
    public static long ParseBusyTicks(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        const int User = 1, Idle = 4, IoWait = 5, Steal = 8;
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long busy = 0;
        for (int i = User; i <= Steal; i++)
        {
            busy += i is Idle or IoWait ? 0 : long.Parse(fields[i], CultureInfo.InvariantCulture);
        }

        return busy;
    }
}
