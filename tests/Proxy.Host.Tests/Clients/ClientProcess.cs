using System.Diagnostics;
using System.Text;

namespace Proxy.Host.Tests.Clients;

/// <summary>A client program in an environment of its own: an empty HOME, nothing inherited but PATH, no standard input, a bounded time.</summary>
internal static class ClientProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>The npm project with the real clients, or null when its packages are not installed.</summary>
    public static string? NodeModules
    {
        get
        {
            string folder = Path.Combine(RepositoryRoot, "tests", "clients", "node_modules");
            return Directory.Exists(folder) ? folder : null;
        }
    }

    public static string RepositoryRoot
    {
        get
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Proxy.sln")))
            {
                folder = folder.Parent;
            }

            return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }
    }

    /// <summary>Skips unless the clients are asked for (TOLLWAY_TEST_CLIENTS=1) and installed.</summary>
    public static void SkipUnlessWanted() => Assert.SkipUnless(
        Environment.GetEnvironmentVariable("TOLLWAY_TEST_CLIENTS") == "1" && NodeModules is not null,
        "set TOLLWAY_TEST_CLIENTS=1 and run: npm ci --prefix tests/clients");

    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("tollway-client-");
        try
        {
            ProcessStartInfo start = new(program, arguments)
            {
                WorkingDirectory = home.FullName,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardOutputEncoding = Encoding.UTF8,
            };
            start.Environment.Clear();
            start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
            start.Environment["HOME"] = home.FullName;
            foreach ((string name, string value) in environment)
            {
                start.Environment[name] = value;
            }

            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            using CancellationTokenSource patience = new(Patience);
            Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"{program} did not end in {Patience}");
            }

            Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {await errors}\n{await output}");
            return await output;
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
