using Proxy.Host.Composition;
using Proxy.Host.Configuration;

namespace Proxy.Host.Cli;

/// <summary><c>tollway config check</c>: everything a start would refuse, without starting.</summary>
internal static class ConfigCheckCommand
{
    public static async Task<int> RunAsync(ConfigurationSource source, TextWriter output, TextWriter errors)
    {
        try
        {
            GatewayConfiguration configuration = ConfigurationLoader.Load(source);
            _ = SnapshotBuilder.ReadPrices(configuration.Prices);
            foreach (string file in configuration.Routes.Select(route => route.ExtraCaFile).OfType<string>())
            {
                _ = DialerFactory.ReadAuthorities(file);
            }

            foreach (string warning in configuration.Warnings)
            {
                await errors.WriteLineAsync($"warning: {warning}");
            }

            await output.WriteLineAsync(
                $"ok: {source.File ?? "no file, defaults and environment"}; {configuration.Routes.Count} routes, {configuration.Keys.Count} keys, ledger {configuration.LedgerPath}");
            return ExitCode.Ok;
        }
        catch (ConfigurationException fault)
        {
            await WriteProblemsAsync(fault, errors);
            return ExitCode.Usage;
        }
    }

    public static async Task WriteProblemsAsync(ConfigurationException fault, TextWriter errors)
    {
        await errors.WriteLineAsync("tollway: the configuration cannot be used:");
        foreach (string problem in fault.Problems)
        {
            await errors.WriteLineAsync($"  {problem}");
        }
    }
}
