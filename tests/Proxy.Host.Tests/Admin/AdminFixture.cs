using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Pricing;
using Proxy.Core.Spend;
using Proxy.Host.Admin;
using Proxy.Host.Storage.Sqlite;
using Proxy.Host.Tests.EndToEnd;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.Admin;

/// <summary>The admin API over a real unix socket and a real ledger, without a gateway.</summary>
internal sealed class AdminFixture : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly LogCollector _logs = new();
    private readonly ILoggerFactory _loggers;
    private WebApplication? _app;
    private HttpClient? _client;

    private AdminFixture() => _loggers = LoggerFactory.Create(builder => builder.AddProvider(_logs).SetMinimumLevel(LogLevel.Trace));

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero));

    public string LedgerPath => _directory.Ledger;

    public string Socket => _directory.File("admin.sock");

    public string Logs => _logs.Text;

    public string? AdminKeyHash { get; set; }

    public int Port { get; private set; }

    public static async Task<AdminFixture> StartAsync(bool tcp = false)
    {
        AdminFixture fixture = new();
        LedgerDatabase.OpenOrCreate(fixture.LedgerPath, TimeSpan.FromSeconds(5)).Dispose();
        AdminContext context = new()
        {
            LedgerPath = fixture.LedgerPath,
            BusyTimeout = TimeSpan.FromSeconds(5),
            Time = fixture.Time,
            Prices = () => PriceBook.BuiltIn,
            AdminKeyHash = () => fixture.AdminKeyHash,
        };
        fixture.Port = tcp ? FreePort() : 0;
        fixture._app = await AdminServer.StartAsync(context, new AdminListen(fixture.Socket, tcp ? new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, fixture.Port) : null), fixture._loggers);
        fixture._client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(fixture.Socket), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        {
            BaseAddress = new Uri("http://admin"),
        };
        return fixture;
    }

    /// <summary>Books these as the writer would.</summary>
    public void Book(params ReadOnlySpan<SpendRecord> records)
    {
        using SpendInsert insert = new(LedgerDatabase.OpenOrCreate(LedgerPath, TimeSpan.FromSeconds(5)));
        insert.Write(records.ToArray(), []);
    }

    public async Task<JsonNode> GetAsync(string path, int status = 200) => await ReadAsync(await _client!.GetAsync(path), status);

    public async Task<JsonObject> PostAsync(string path, string json, int status = 200) =>
        (await ReadAsync(await _client!.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json")), status)).AsObject();

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => await _client!.SendAsync(request);

    /// <summary>Makes a key and returns it in clear.</summary>
    public async Task<(string Key, string Hash)> NewKeyAsync(string json = "{}")
    {
        JsonObject answer = await PostAsync("/key/generate", json);
        return (answer["key"]!.GetValue<string>(), answer["token"]!.GetValue<string>());
    }

    /// <summary>The raw bytes of the ledger's files, for what must not be in them.</summary>
    public string ReadLedgerFiles() => string.Concat(Directory.EnumerateFiles(_directory.Root, "ledger*").Select(file =>
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(stream, Encoding.Latin1);
        return reader.ReadToEnd();
    }));

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        _loggers.Dispose();
        _directory.Dispose();
    }

    private async Task<JsonNode> ReadAsync(HttpResponseMessage response, int status)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{response.StatusCode}: {text} {Logs}");
        return JsonNode.Parse(text)!;
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        return ((System.Net.IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
