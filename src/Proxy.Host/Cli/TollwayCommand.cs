using System.Reflection;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;

namespace Proxy.Host.Cli;

/// <summary>The command line: a handful of commands, read by hand.</summary>
internal static class TollwayCommand
{
    private const string Usage =
        """
        Tollway: a gateway between Claude Code and the Anthropic API that books every token.

        usage:
          tollway [serve] [--config FILE]        run the gateway
          tollway config check [--config FILE]   read the configuration and say what is wrong with it
          tollway keys …                         make, show, limit, rotate and delete virtual keys
          tollway teams …, tollway users …       the same for teams and users
          tollway spend …                        what was spent, by key, team, user, model, session, payer or day
          tollway import litellm SOURCE          bring keys, teams, budgets and spend over from LiteLLM
          tollway --version
          tollway --help, tollway keys --help, …

        keys, teams, users and spend talk to the running service over its socket, or to the ledger when none runs.
        Exit codes: 0 done, 1 fault, 2 wrong command line or configuration, 3 no such thing, 4 refused.

        Without --config the file is $TOLLWAY_CONFIG, else /etc/tollway/tollway.json if it exists, else the defaults.
        Every key is also an environment variable: limits.headSeconds is TOLLWAY__limits__headSeconds.
        """;

    private static readonly HashSet<string> Switches = new(StringComparer.Ordinal) { "json", "csv", "dry-run", "strict", "help", "version" };

    private static string Version =>
        typeof(TollwayCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public static Task<int> RunAsync(string[] args) => RunAsync(args, ConfigurationSource.FromProcess, Console.Out, Console.Error);

    public static async Task<int> RunAsync(string[] args, Func<string?, ConfigurationSource> source, TextWriter output, TextWriter errors)
    {
        try
        {
            string first = args.FirstOrDefault(arg => !arg.StartsWith('-')) ?? "";
            Arguments arguments = Arguments.Parse([.. args.Select(arg => arg == "-h" ? "--help" : arg)], OptionsOf(first), Switches);
            if (arguments.Has("help") || arguments.Words is ["help"])
            {
                await output.WriteLineAsync(UsageOf(first));
                return ExitCode.Ok;
            }

            if (arguments.Has("version") || arguments.Words is ["version"])
            {
                await output.WriteLineAsync($"tollway {Version}");
                return ExitCode.Ok;
            }

            string? file = arguments.Find("config");
            return arguments.Words switch
            {
                [] or ["serve"] => await ServeCommand.RunAsync(file),
                ["config", "check"] => await ConfigCheckCommand.RunAsync(source(file), output, errors),
                ["keys", ..] => await AdministerAsync(KeysCommand.RunAsync, arguments, new CommandContext(source(file), output, errors)),
                ["teams", ..] => await AdministerAsync(TeamsCommand.RunAsync, arguments, new CommandContext(source(file), output, errors)),
                ["users", ..] => await AdministerAsync(UsersCommand.RunAsync, arguments, new CommandContext(source(file), output, errors)),
                ["import", ..] => await ImportCommand.RunAsync(arguments, new CommandContext(source(file), output, errors)),
                ["spend", ..] => await AdministerAsync(SpendCommand.RunAsync, arguments, new CommandContext(source(file), output, errors)),
                _ => throw new UsageException($"unknown command {string.Join(' ', arguments.Words)}"),
            };
        }
        catch (UsageException fault)
        {
            await errors.WriteLineAsync($"tollway: {fault.Message}; see tollway --help");
            return ExitCode.Usage;
        }
        catch (ConfigurationException fault)
        {
            await ConfigCheckCommand.WriteProblemsAsync(fault, errors);
            return ExitCode.Usage;
        }
        catch (Exception fault) when (fault is LedgerException or IOException or HttpRequestException or System.Net.Sockets.SocketException or Microsoft.Data.Sqlite.SqliteException)
        {
            await errors.WriteLineAsync($"tollway: {fault.Message}");
            return ExitCode.Fault;
        }
    }

    private static async Task<int> AdministerAsync(Func<Arguments, AdminClient, CommandContext, Task<int>> command, Arguments arguments, CommandContext context)
    {
        try
        {
            await using AdminClient admin = await AdminClient.OpenAsync(context.Source, context.Errors);
            return await command(arguments, admin, context);
        }
        catch (AdminAnswerException fault)
        {
            await context.Errors.WriteLineAsync($"tollway: {fault.Message}");
            return fault.Status switch { 404 => ExitCode.NotFound, >= 500 => ExitCode.Fault, _ => ExitCode.Refused };
        }
    }

    private static IReadOnlySet<string> OptionsOf(string command)
    {
        HashSet<string> options = new(StringComparer.Ordinal) { "config" };
        options.UnionWith(command switch
        {
            "keys" => KeysCommand.Options,
            "teams" => TeamsCommand.Options,
            "users" => UsersCommand.Options,
            "spend" => SpendCommand.Options,
            _ => new HashSet<string>(),
        });
        return options;
    }

    private static string UsageOf(string command) => command switch
    {
        "keys" => KeysCommand.Usage,
        "teams" => TeamsCommand.Usage,
        "users" => UsersCommand.Usage,
        "spend" => SpendCommand.Usage,
        "import" => ImportCommand.Usage,
        _ => Usage,
    };
}
