using System.Runtime.InteropServices;
using Proxy.Host.Composition;
using Proxy.Host.Configuration;
using Proxy.Host.Storage;

namespace Proxy.Host.Cli;

/// <summary><c>tollway serve</c>: runs until SIGTERM or SIGINT; SIGHUP reloads.</summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(string? file)
    {
        try
        {
            GatewayConfiguration configuration = ConfigurationLoader.Load(ConfigurationSource.FromProcess(file));
            ILoggerFactory loggers = HostLogging.Create(configuration.LogLevel, provider: null);
            await using GatewayHost host = await GatewayHost.StartAsync(configuration, TimeProvider.System, loggers, asService: true, DialerFactory.Create);
            await Welcome.ShowAsync(configuration, host);
            using PosixSignalRegistration reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                _ = host.ReloadAsync(() => ConfigurationLoader.Load(ConfigurationSource.FromProcess(file)));
            });
            int requests = 0;
            void Stop(PosixSignalContext context)
            {
                // The first is the service's own affair: it drains. Whoever asks again does not want to wait.
                if (Interlocked.Increment(ref requests) > 1)
                {
                    context.Cancel = true;
                    host.Gateway.AbortConnections();
                }
            }

            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
            await host.WaitForShutdownAsync();
            return ExitCode.Ok;
        }
        catch (ConfigurationException fault)
        {
            await ConfigCheckCommand.WriteProblemsAsync(fault, Console.Error);
            return ExitCode.Usage;
        }
        catch (Exception fault) when (fault is LedgerException or IOException)
        {
            await Console.Error.WriteLineAsync($"tollway: {fault.Message}");
            return ExitCode.Fault;
        }
    }
}
