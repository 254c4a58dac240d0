using System.Reflection;
using Proxy.Host.Configuration;

namespace Proxy.Host.Cli;

/// <summary>The command line. Four commands and one option: read by hand.</summary>
internal static class TollwayCommand
{
    private const string Usage =
        """
        Tollway: a gateway between Claude Code and the Anthropic API that books every token.

        usage:
          tollway [serve] [--config FILE]        run the gateway
          tollway config check [--config FILE]   read the configuration and say what is wrong with it
          tollway --version
          tollway --help

        Without --config the file is $TOLLWAY_CONFIG, else /etc/tollway/tollway.json if it exists, else the defaults.
        Every key is also an environment variable: limits.headSeconds is TOLLWAY__limits__headSeconds.
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        List<string> words = [];
        string? file = null;
        for (int i = 0; i < args.Length; i++)
        {
            string arg = args[i];
            switch (arg)
            {
                case "--help" or "-h" or "help":
                    await Console.Out.WriteLineAsync(Usage);
                    return ExitCode.Ok;
                case "--version" or "version":
                    await Console.Out.WriteLineAsync($"tollway {Version}");
                    return ExitCode.Ok;
                case "--config" when i + 1 < args.Length:
                    file = args[++i];
                    break;
                case "--config":
                    return await Misused("--config needs a file");
                case var _ when arg.StartsWith("--config=", StringComparison.Ordinal):
                    file = arg["--config=".Length..];
                    break;
                case var _ when arg.StartsWith('-'):
                    return await Misused($"unknown option {arg}");
                default:
                    words.Add(arg);
                    break;
            }
        }

        return words switch
        {
            [] or ["serve"] => await ServeCommand.RunAsync(file),
            ["config", "check"] => await ConfigCheckCommand.RunAsync(ConfigurationSource.FromProcess(file), Console.Out, Console.Error),
            _ => await Misused($"unknown command {string.Join(' ', words)}"),
        };
    }

    private static string Version =>
        typeof(TollwayCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    private static async Task<int> Misused(string problem)
    {
        await Console.Error.WriteLineAsync($"tollway: {problem}; see tollway --help");
        return ExitCode.Usage;
    }
}
