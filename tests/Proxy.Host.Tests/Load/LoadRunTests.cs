using Proxy.LoadTests;
using Proxy.LoadTests.Profiles;
using Proxy.LoadTests.Results;
using Proxy.Simulator;

namespace Proxy.Host.Tests.Load;

public sealed class LoadRunTests
{
    [Theory]
    [InlineData("json")]
    [InlineData("sse")]
    public async Task A_run_counts_what_the_simulator_answered(string scenario)
    {
        await using SimulatorServer simulator = await SimulatorServer.StartAsync(new SimulatorOptions { HttpPort = 0, HttpsPort = null });
        LoadReport report = await Run(Options(simulator, scenario));
        Assert.True(report.IsClean, report.ToText());
        Assert.InRange(report.Requests, 200, simulator.Truth.Count);
        Assert.True(report.P50Microseconds > 0 && report.P50Microseconds <= report.P999Microseconds);
        Assert.True(report.BodyBytesPerRequest > 100);
        Assert.Equal(["self", "client"], report.CpuMicrosecondsPerRequest.Keys);
        Assert.Equal(report.ToText(), RoundTrip(report).ToText());
    }

    [Fact]
    public async Task Load_on_a_server_that_refuses_does_not_start()
    {
        await using SimulatorServer simulator = await SimulatorServer.StartAsync(new SimulatorOptions { HttpPort = 0, HttpsPort = null });
        LoadException fault = await Assert.ThrowsAsync<LoadException>(() => Run(Options(simulator, "json") with { ApiKey = null }));
        Assert.Contains("401", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Times_of_a_process_are_found_behind_any_name() =>
        Assert.Equal(7 + 11, ProcessGroup.ParseTicks("42 (a) b) 1 (c) S 1 42 42 0 -1 4194560 1 2 3 4 7 11 5 6 20 0 1 0 100"));

    [Fact]
    public void Busy_time_of_the_machine_leaves_idle_out() => Assert.Equal(1 + 2 + 3 + 6 + 7 + 8, MachineCpu.ParseBusyTicks("cpu  1 2 3 40 50 6 7 8 9 10"));

    [Fact]
    public void The_report_compares_with_nginx_round_by_round()
    {
        using StringWriter output = new();
        ReportTable.Write(output, [Result("nginx", 1, 10), Result("tollway", 1, 20), Result("nginx", 2, 30), Result("tollway", 2, 30), Result("nginx", 3, 10), Result("tollway", 3, 12)]);
        Assert.Matches(@"tollway +20\.0 +12\.0 +1\.20 ", output.ToString());
        Assert.DoesNotContain("bound", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_says_when_the_proxy_was_not_the_limit_and_when_answers_were_wrong()
    {
        using StringWriter output = new();
        LoadReport idle = Result("nginx", 1, 10) with { NotOk = 3, Cores = new Dictionary<string, double> { ["proxy"] = 0.4, ["simulator"] = 0.7, ["client"] = 0.3 } };
        ReportTable.Write(output, [idle]);
        Assert.Contains("simulator-bound", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("3 not 200", output.ToString(), StringComparison.Ordinal);
    }

    // Off the test's thread: a run sleeps on it.
    private static Task<LoadReport> Run(LoadOptions options) => Task.Run(() => LoadRunner.Run(options));

    private static LoadOptions Options(SimulatorServer simulator, string scenario) => new()
    {
        Target = new Uri($"http://127.0.0.1:{simulator.HttpPort}"),
        Scenario = scenario,
        Shape = LoadShape.Constant(4, TimeSpan.Zero, TimeSpan.FromSeconds(30)),
        MaxRequests = 200,
        ApiKey = "sk-any",
        Processes = [new ProcessGroup("self", [Environment.ProcessId])],
    };

    private static LoadReport RoundTrip(LoadReport report)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, report.ToJson());
            return Assert.Single(LoadReport.ReadLines(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static LoadReport Result(string label, int round, double cpu) => new()
    {
        Label = label,
        Scenario = "json",
        Round = round,
        Requests = 100,
        CpuMicrosecondsPerRequest = new Dictionary<string, double> { ["proxy"] = cpu, ["simulator"] = 5, ["client"] = 3 },
        Cores = new Dictionary<string, double> { ["proxy"] = 0.99, ["simulator"] = 0.5, ["client"] = 0.3 },
    };
}
