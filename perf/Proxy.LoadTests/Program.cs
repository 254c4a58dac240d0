using Proxy.LoadTests;
using Proxy.LoadTests.Results;

// Before the first socket: its events are then served on the thread that saw them, without a hop through the thread pool.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
try
{
    switch (args)
    {
        case [] or ["--help"]:
            Console.WriteLine(CommandLine.Help);
            return 0;
        case ["report", .. string[] files]:
            ReportTable.Write(Console.Out, [.. files.SelectMany(LoadReport.ReadLines)]);
            return 0;
        default:
            LoadOptions options = CommandLine.Parse(args);
            Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", $"{options.Threads}");
            LoadReport report = LoadRunner.Run(options);
            Console.WriteLine(options.Json ? report.ToJson() : report.ToText());
            return report.IsClean ? 0 : 3;
    }
}
catch (LoadException fault)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return 2;
}
