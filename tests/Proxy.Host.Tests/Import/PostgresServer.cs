using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Proxy.Host.Tests.Import;

/// <summary>A PostgreSQL server of the test's own, when the machine has the programs; on loopback, in a temporary directory, as a user that is not root.</summary>
internal sealed class PostgresServer : IDisposable
{
    private readonly DirectoryInfo _directory;
    private readonly string _programs;
    private readonly bool _asPostgres = Environment.IsPrivilegedProcess;

    private PostgresServer(string programs)
    {
        _programs = programs;
        _directory = Directory.CreateTempSubdirectory("tollway-pg-");
    }

    public int Port { get; } = FreePort();

    public string Url => $"postgres://litellm:secret-password@127.0.0.1:{Port}/postgres";

    public static string? FindPrograms() => Directory.Exists("/usr/lib/postgresql")
        ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    public static async Task<PostgresServer> StartAsync(string programs)
    {
        PostgresServer server = new(programs);
        string data = Path.Combine(server._directory.FullName, "data");
        if (server._asPostgres)
        {
            await server.RunAsync("chown", $"postgres {server._directory.FullName}", asRoot: true);
        }

        string password = Path.Combine(server._directory.FullName, "password");
        await File.WriteAllTextAsync(password, "secret-password");
        if (server._asPostgres)
        {
            await server.RunAsync("chown", $"postgres {password}", asRoot: true);
        }

        await server.RunAsync(Path.Combine(programs, "initdb"), $"-D {data} -U litellm -A scram-sha-256 --pwfile={password} --no-sync --locale=C --encoding=UTF8");
        await server.RunAsync(Path.Combine(programs, "pg_ctl"), $"-D {data} -w -o '-p {server.Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={server._directory.FullName} -c fsync=off' -l {data}/log start");
        return server;
    }

    public void Dispose()
    {
        RunAsync(Path.Combine(_programs, "pg_ctl"), $"-D {Path.Combine(_directory.FullName, "data")} -m immediate stop").GetAwaiter().GetResult();
        _directory.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private async Task RunAsync(string program, string arguments, bool asRoot = false)
    {
        string line = $"{program} {arguments}";
        using Process process = Process.Start(_asPostgres && !asRoot
            ? new ProcessStartInfo("su", ["postgres", "-s", "/bin/sh", "-c", line]) { RedirectStandardOutput = true, RedirectStandardError = true }
            : new ProcessStartInfo("/bin/sh", ["-c", line]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
        }
    }
}
