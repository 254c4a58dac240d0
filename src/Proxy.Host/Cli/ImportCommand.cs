using Microsoft.Data.Sqlite;
using Proxy.Host.Configuration;
using Proxy.Host.Import;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Cli;

/// <summary><c>tollway import litellm …</c></summary>
internal static class ImportCommand
{
    public const string Usage =
        """
        usage: tollway import litellm SOURCE [--dry-run] [--strict] [--config FILE]

        Brings keys (their hashes), aliases, teams, users, budgets, limits, blocked and expiry state and what was spent in the current budget windows
        over from LiteLLM. SOURCE is postgres://user:password@host:5432/database, or a directory with CSV exports named after LiteLLM's tables
        (LiteLLM_VerificationToken.csv, LiteLLM_TeamTable.csv, LiteLLM_UserTable.csv, LiteLLM_BudgetTable.csv, LiteLLM_TeamMembership.csv).

          --dry-run   say what would be done, and do nothing
          --strict    stop at the first row that cannot be imported, and do nothing

        It can be run again: what has not changed stays, what was edited here since is left alone, nothing is deleted. A running gateway takes the
        changes over within a second.
        """;

    public static async Task<int> RunAsync(Arguments arguments, CommandContext context)
    {
        if (arguments.Words is not ["import", "litellm", _])
        {
            throw new UsageException("import needs: litellm SOURCE");
        }

        GatewayConfiguration configuration = ConfigurationLoader.Load(context.Source);
        using (SqliteConnection connection = LedgerDatabase.OpenOrCreate(configuration.LedgerPath, configuration.Ledger.BusyTimeout))
        {
        }

        bool dryRun = arguments.Has("dry-run");
        try
        {
            LiteLlmImport import = new(configuration.LedgerPath, configuration.Ledger.BusyTimeout, TimeProvider.System, arguments.Has("strict"));
            ImportReport report = await import.RunAsync(await LiteLlmSource.OpenAsync(arguments.Words[2]), dryRun);
            foreach (string line in report.Lines)
            {
                await context.Output.WriteLineAsync(line);
            }

            await context.Output.WriteLineAsync($"{(dryRun ? "dry run, nothing changed: " : "")}{report.Summary}");
            return report.Broken == 0 ? ExitCode.Ok : ExitCode.Fault;
        }
        catch (ImportException fault)
        {
            await context.Errors.WriteLineAsync($"tollway: {fault.Message}; nothing was changed");
            return ExitCode.Fault;
        }
    }
}
