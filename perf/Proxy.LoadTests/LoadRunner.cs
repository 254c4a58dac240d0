using System.Diagnostics;
using System.Net;
using Proxy.LoadTests.Client;
using Proxy.LoadTests.Profiles;
using Proxy.LoadTests.Results;

namespace Proxy.LoadTests;

/// <summary>Warm-up, then a window in which everything is counted.</summary>
internal static class LoadRunner
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);

    public static LoadReport Run(LoadOptions options)
    {
        byte[] request = RequestBytes.Create(options);
        EndPoint target = Resolve(options.Target);
        long expectedLength = Probe.Run(target, request, RequestBytes.MarkerOf(options.Scenario));
        LoadShape shape = options.Shape;
        ProcessGroup[] groups = [.. options.Processes, new ProcessGroup("client", [Environment.ProcessId])];

        using SlowCrowd? crowd = options.SlowClients > 0 ? new SlowCrowd(target, request, options.SlowClients) : null;
        using LoadClient client = new(target, request, shape.MaxCopies, expectedLength);
        int first = shape.Stages.First(stage => stage.Copies > 0).Copies;
        Pace(shape.WarmUp, _ => first, client, () => true);

        LoadWindow window = new();
        long[] before = [.. groups.Select(group => group.CpuMicroseconds())];
        long machineBefore = MachineCpu.Microseconds();
        long start = Stopwatch.GetTimestamp();
        client.Window = window;
        Pace(shape.Duration, shape.CopiesAt, client, () => window.Requests < options.MaxRequests);
        client.Window = null;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        long[] after = [.. groups.Select(group => group.CpuMicroseconds())];

        double others = MachineCpu.Microseconds() - machineBefore;
        Dictionary<string, double> cpu = [];
        for (int i = 0; i < groups.Length; i++)
        {
            cpu[groups[i].Name] = after[i] - before[i];
            others -= after[i] - before[i];
        }

        return LoadReport.Create(options, window, elapsed, cpu, others);
    }

    private static void Pace(TimeSpan duration, Func<TimeSpan, int> copies, LoadClient client, Func<bool> goesOn)
    {
        long start = Stopwatch.GetTimestamp();
        for (TimeSpan elapsed = TimeSpan.Zero; elapsed < duration && goesOn(); elapsed = Stopwatch.GetElapsedTime(start))
        {
            client.SetActive(copies(elapsed));
            TimeSpan left = duration - elapsed;
            Thread.Sleep(left < Tick ? left : Tick);
        }
    }

    private static IPEndPoint Resolve(Uri target)
    {
        IPAddress? address = target.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6
            ? IPAddress.Parse(target.DnsSafeHost)
            : Dns.GetHostAddresses(target.DnsSafeHost).FirstOrDefault();
        return new IPEndPoint(address ?? throw new LoadException($"{target.Host} has no address"), target.Port);
    }
}
