using System.Globalization;

namespace Proxy.LoadTests.Results;

/// <summary>Medians over the rounds, one line for each scenario and target, and each proxy's CPU time against the first peer's of the same scenario.</summary>
internal static class ReportTable
{
    /// <summary>Proxies are compared with this one.</summary>
    private const string Peer = "nginx";
    private const string Proxy = "proxy";
    private const string Simulator = "simulator";
    private const string Client = "client";

    // Below it the proxy waited for the others, and batches less than it could.
    private const double Saturated = 0.85;
    private const double Disturbed = 0.15;

    public static void Write(TextWriter output, IReadOnlyList<LoadReport> runs)
    {
        output.WriteLine("                          CPU us per request (median of rounds)                    cores in use            latency us (median)");
        output.WriteLine("scenario  target       proxy     min  x nginx  simulator   client     req/s    proxy   load others      p50      p99    p99.9  errors");
        foreach (IGrouping<string, LoadReport> scenario in runs.GroupBy(run => run.Scenario))
        {
            foreach (IGrouping<string, LoadReport> target in scenario.GroupBy(run => run.Label))
            {
                output.WriteLine(Line(scenario.Key, target.Key, [.. target], Ratio(scenario, target.Key)));
            }
        }

        Judge(output, runs);
    }

    /// <summary>
    /// Median over the rounds of this target's CPU time over the peer's of the same round: neighbours on the machine change it within minutes,
    /// so that only figures of the same moment are comparable.
    /// </summary>
    private static double? Ratio(IEnumerable<LoadReport> scenario, string target)
    {
        double[] ratios =
        [
            .. from run in scenario
               where run.Label == target && run.CpuMicrosecondsPerRequest.ContainsKey(Proxy)
               from peer in scenario
               where peer.Label == Peer && peer.Round == run.Round && peer.CpuMicrosecondsPerRequest.GetValueOrDefault(Proxy) > 0
               select run.CpuMicrosecondsPerRequest[Proxy] / peer.CpuMicrosecondsPerRequest[Proxy],
        ];
        return ratios.Length == 0 ? null : Median(ratios);
    }

    private static string Line(string scenario, string target, LoadReport[] runs, double? ratio)
    {
        bool hasProxy = runs[0].CpuMicrosecondsPerRequest.ContainsKey(Proxy);
        double[] proxy = [.. runs.Select(run => run.CpuMicrosecondsPerRequest.GetValueOrDefault(Proxy))];
        long errors = runs.Sum(run => run.NotOk + run.WrongLength + run.Failures);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{scenario,-9} {target,-9} {(hasProxy ? Text(Median(proxy)) : "-"),8} {(hasProxy ? Text(proxy.Min()) : "-"),7} {(ratio is { } value ? value.ToString("f2", CultureInfo.InvariantCulture) : "-"),8} "
            + $"{Median(runs, run => run.CpuMicrosecondsPerRequest.GetValueOrDefault(Simulator)),10:f1} {Median(runs, run => run.CpuMicrosecondsPerRequest.GetValueOrDefault(Client)),8:f1} "
            + $"{Median(runs, run => run.RequestsPerSecond),9:f0} {(hasProxy ? Median(runs, run => run.Cores[Proxy]).ToString("p0", CultureInfo.InvariantCulture) : "-"),8} {Median(runs, LoadCore),6:p0} {Median(runs, run => run.OtherCores),6:p0} "
            + $"{Median(runs, run => run.P50Microseconds),8:f0} {Median(runs, run => run.P99Microseconds),8:f0} {Median(runs, run => run.P999Microseconds),8:f0} {errors,7}");
    }

    private static void Judge(TextWriter output, IReadOnlyList<LoadReport> runs)
    {
        foreach (IGrouping<(string Scenario, string Label), LoadReport> group in runs.GroupBy(run => (run.Scenario, run.Label)))
        {
            LoadReport[] some = [.. group];
            if (!some[0].Cores.ContainsKey(Proxy) || Median(some, run => run.Cores[Proxy]) >= Saturated)
            {
                continue;
            }

            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{group.Key.Scenario} {group.Key.Label}: {LimitOf(some)}: the proxy used {Median(some, run => run.Cores[Proxy]):p0} of its core. Compare CPU per request only; requests/s and latency are not the proxy's."));
        }

        double others = Median([.. runs], run => run.OtherCores);
        if (others > Disturbed)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Disturbed: other processes used {others:f1} cores all the while. Repeat on a quiet machine before quoting a figure."));
        }

        foreach (LoadReport run in runs.Where(run => !run.IsClean))
        {
            output.WriteLine($"{run.Scenario} {run.Label} round {run.Round}: {run.NotOk} not 200, {run.WrongLength} of another length, {run.Failures} broken, of {run.Requests}");
        }
    }

    private static string LimitOf(LoadReport[] runs) =>
        Median(runs, LoadCore) < Saturated && Median(runs, run => run.OtherCores) > Disturbed ? "disturbed"
        : Median(runs, run => run.Cores.GetValueOrDefault(Simulator)) >= Median(runs, run => run.Cores[Client]) ? "simulator-bound"
        : "client-bound";

    private static double LoadCore(LoadReport run) => run.Cores.GetValueOrDefault(Simulator) + run.Cores[Client];

    private static string Text(double value) => value.ToString("f1", CultureInfo.InvariantCulture);

    private static double Median(LoadReport[] runs, Func<LoadReport, double> figure) => Median([.. runs.Select(figure)]);

    private static double Median(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
