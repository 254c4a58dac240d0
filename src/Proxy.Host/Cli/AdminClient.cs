using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Proxy.Host.Admin;
using Proxy.Host.Composition;
using Proxy.Host.Configuration;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Cli;

/// <summary>
/// The command line's way to the admin API: through the socket of the service that runs, or, when none does, of one that this process starts over
/// the ledger for the length of a command. Either way the same code decides.
/// </summary>
internal sealed class AdminClient : IAsyncDisposable
{
    /// <summary>Where the unit of deploy/systemd has it: an operator's shell does not know the service's runtime directory.</summary>
    private const string ServiceSocket = "/run/tollway/admin.sock";

    private readonly HttpClient _client;
    private readonly WebApplication? _own;
    private readonly string? _ownDirectory;

    private AdminClient(string socket, WebApplication? own, string? ownDirectory)
    {
        _own = own;
        _ownDirectory = ownDirectory;
        _client = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, cancellation) => ConnectAsync(socket, cancellation), UseProxy = false }) { BaseAddress = new Uri("http://admin") };
        _client.DefaultRequestHeaders.Add("x-tollway-actor", "cli");
    }

    /// <exception cref="ConfigurationException"/>
    /// <exception cref="Storage.LedgerException"/>
    public static async Task<AdminClient> OpenAsync(ConfigurationSource source, TextWriter errors)
    {
        GatewayConfiguration configuration = ConfigurationLoader.Load(source);
        foreach (string? socket in new[] { configuration.Admin?.Socket, ServiceSocket })
        {
            if (socket is not null && await AnswersAsync(socket))
            {
                return new AdminClient(socket, own: null, ownDirectory: null);
            }
        }

        await errors.WriteLineAsync($"tollway: no service answers on {configuration.Admin?.Socket ?? ServiceSocket}; working on the ledger {configuration.LedgerPath}");

        using (SqliteConnection connection = LedgerDatabase.OpenOrCreate(configuration.LedgerPath, configuration.Ledger.BusyTimeout))
        {
        }

        AdminContext context = new()
        {
            LedgerPath = configuration.LedgerPath,
            BusyTimeout = configuration.Ledger.BusyTimeout,
            Time = TimeProvider.System,
            AdminKeyHash = () => configuration.AdminKeyHash ?? new SqliteKeyStore(configuration.LedgerPath, configuration.Ledger.BusyTimeout).ReadAdminKeyHash(),
            Prices = () => SnapshotBuilder.ReadPrices(configuration.Prices),
        };
        string directory = Directory.CreateTempSubdirectory("tollway-cli-").FullName;
        string own = Path.Combine(directory, "admin.sock");
        return new AdminClient(own, await AdminServer.StartAsync(context, new AdminListen(own, null), NullLoggerFactory.Instance), directory);
    }

    /// <exception cref="AdminAnswerException">The service refused.</exception>
    public async Task<JsonNode> GetAsync(string path) => await ReadAsync(await _client.GetAsync(path));

    /// <exception cref="AdminAnswerException">The service refused.</exception>
    public async Task<JsonObject> PostAsync(string path, JsonObject body) =>
        (await ReadAsync(await _client.PostAsync(path, new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json")))).AsObject();

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_own is not null)
        {
            await _own.StopAsync();
            await _own.DisposeAsync();
            Directory.Delete(_ownDirectory!, recursive: true);
        }
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response)
    {
        using HttpResponseMessage read = response;
        string text = await read.Content.ReadAsStringAsync();
        JsonNode answer = JsonNode.Parse(text)!;
        return read.IsSuccessStatusCode ? answer : throw new AdminAnswerException((int)read.StatusCode, answer["error"]?["message"]?.ToString() ?? text);
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<bool> AnswersAsync(string socket)
    {
        if (!File.Exists(socket))
        {
            return false;
        }

        try
        {
            await using Stream stream = await ConnectAsync(socket, CancellationToken.None);
            return true;
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.ConnectionRefused)
        {
            // Left behind by a service that is gone.
            return false;
        }
    }
}
