using System.Globalization;
using System.Text;
using System.Text.Json;
using Proxy.LoadTests.Client;

namespace Proxy.LoadTests.Results;

/// <summary>What one run measured.</summary>
public sealed record LoadReport
{
    public required string Label { get; init; }

    public required string Scenario { get; init; }

    public int Round { get; init; }

    public int Connections { get; init; }

    public double Seconds { get; init; }

    public long Requests { get; init; }

    public double RequestsPerSecond { get; init; }

    public long NotOk { get; init; }

    public long WrongLength { get; init; }

    public long Failures { get; init; }

    public double BodyBytesPerRequest { get; init; }

    public double P50Microseconds { get; init; }

    public double P99Microseconds { get; init; }

    public double P999Microseconds { get; init; }

    public double FirstByteP50Microseconds { get; init; }

    public double FirstByteP99Microseconds { get; init; }

    /// <summary>By name of the process group; "client" is this process.</summary>
    public required IReadOnlyDictionary<string, double> CpuMicrosecondsPerRequest { get; init; }

    /// <summary>Share of one core that each process group used, 1 for all of it.</summary>
    public required IReadOnlyDictionary<string, double> Cores { get; init; }

    /// <summary>Cores that processes used which are not of the run: above a few hundredths, figures of this run are disturbed.</summary>
    public double OtherCores { get; init; }

    public bool IsClean => Requests > 0 && NotOk == 0 && WrongLength == 0 && Failures == 0;

    internal static LoadReport Create(
        LoadOptions options, LoadWindow window, TimeSpan elapsed, IReadOnlyDictionary<string, double> cpuMicroseconds, double othersMicroseconds)
    {
        long requests = window.Requests;
        return new LoadReport
        {
            Label = options.Label,
            Scenario = options.Scenario,
            Round = options.Round,
            Connections = options.Shape.MaxCopies,
            Seconds = elapsed.TotalSeconds,
            Requests = requests,
            RequestsPerSecond = requests / elapsed.TotalSeconds,
            NotOk = window.NotOk,
            WrongLength = window.WrongLength,
            Failures = window.Failures,
            BodyBytesPerRequest = requests == 0 ? 0 : (double)window.BodyBytes / requests,
            P50Microseconds = window.Latency.GetValueAtPercentile(50),
            P99Microseconds = window.Latency.GetValueAtPercentile(99),
            P999Microseconds = window.Latency.GetValueAtPercentile(99.9),
            FirstByteP50Microseconds = window.FirstByte.GetValueAtPercentile(50),
            FirstByteP99Microseconds = window.FirstByte.GetValueAtPercentile(99),
            CpuMicrosecondsPerRequest = cpuMicroseconds.ToDictionary(pair => pair.Key, pair => requests == 0 ? 0 : pair.Value / requests),
            OtherCores = Math.Max(0, othersMicroseconds / elapsed.TotalMicroseconds),
            Cores = cpuMicroseconds.ToDictionary(pair => pair.Key, pair => pair.Value / elapsed.TotalMicroseconds),
        };
    }

    public string ToJson() => JsonSerializer.Serialize(this, LoadReportJson.Default.LoadReport);

    public static IEnumerable<LoadReport> ReadLines(string path)
    {
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length > 0)
            {
                yield return JsonSerializer.Deserialize(line, LoadReportJson.Default.LoadReport) ?? throw new LoadException($"{path}: not a line of a run: {line}");
            }
        }
    }

    public string ToText()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Scenario}, {Connections} connections, {Seconds:f1} s: {Requests} requests, {RequestsPerSecond:f0} a second, {BodyBytesPerRequest:f0} bytes of content each");
        text.AppendLine(CultureInfo.InvariantCulture, $"not 200: {NotOk}   wrong length: {WrongLength}   broken connections: {Failures}");
        text.AppendLine(CultureInfo.InvariantCulture, $"latency us: p50 {P50Microseconds:f0}   p99 {P99Microseconds:f0}   p99.9 {P999Microseconds:f0}   first byte p50 {FirstByteP50Microseconds:f0}   p99 {FirstByteP99Microseconds:f0}");
        foreach ((string name, double cpu) in CpuMicrosecondsPerRequest)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"CPU of {name}: {cpu:f1} us a request ({Cores[name]:p0} of a core)");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"others on this machine: {OtherCores:f2} cores");
        return text.ToString().TrimEnd();
    }
}
