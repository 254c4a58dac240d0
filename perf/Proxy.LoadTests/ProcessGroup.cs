using System.Globalization;

namespace Proxy.LoadTests;

/// <summary>Processes that count as one: nginx is a master and its workers.</summary>
public sealed record ProcessGroup(string Name, IReadOnlyList<int> Ids)
{
    // USER_HZ, in which /proc counts, is 100 on every architecture that .NET runs on.
    private const long MicrosecondsPerTick = 10_000;

    /// <summary>User and system time of all of them so far.</summary>
    public long CpuMicroseconds()
    {
        long ticks = 0;
        foreach (int id in Ids)
        {
            string stat;
            try
            {
                stat = File.ReadAllText($"/proc/{id}/stat");
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw new LoadException($"process {id} ({Name}) is gone: {fault.Message}", fault);
            }

            ticks += ParseTicks(stat);
        }

        return ticks * MicrosecondsPerTick;
    }

    /// <summary>utime and stime of proc_pid_stat(5). The second field is the program's name and may hold spaces and brackets, so counting starts behind it.</summary>
    public static long ParseTicks(string stat)
    {
        ArgumentNullException.ThrowIfNull(stat);
        const int UserTime = 11;
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(fields[UserTime], CultureInfo.InvariantCulture) + long.Parse(fields[UserTime + 1], CultureInfo.InvariantCulture);
    }
}
