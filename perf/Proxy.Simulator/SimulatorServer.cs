using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Proxy.Simulator.Api;
using Proxy.Simulator.Records;
using Proxy.Simulator.Tls;
using Proxy.Simulator.Transport;

namespace Proxy.Simulator;

/// <summary>A running simulator of api.anthropic.com on 127.0.0.1.</summary>
public sealed class SimulatorServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly SimulatorState _state;
    private readonly string? _ownedDirectory;

    private SimulatorServer(WebApplication app, SimulatorState state, string pem, string pemPath, string? ownedDirectory)
    {
        _app = app;
        _state = state;
        _ownedDirectory = ownedDirectory;
        CaCertificatePem = pem;
        CaCertificatePath = pemPath;
        foreach (string address in app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses)
        {
            Uri uri = new(address);
            if (uri.Scheme == "https")
            {
                HttpsPort = uri.Port;
            }
            else
            {
                HttpPort = uri.Port;
            }
        }
    }

    /// <summary>0 if there is no TLS listener.</summary>
    public int HttpsPort { get; }

    /// <summary>0 if there is no plain-text listener.</summary>
    public int HttpPort { get; }

    public string CaCertificatePath { get; }

    public string CaCertificatePem { get; }

    public TruthTable Truth => _state.Truth;

    public RequestLog Requests => _state.Requests;

    public static async Task<SimulatorServer> StartAsync(SimulatorOptions options, CancellationToken cancellationToken = default)
    {
        using ThrowawayCa ca = new();
        X509Certificate2 certificate = ca.Issue(options.HostNames);
        string? owned = options.CaDirectory is null ? Directory.CreateTempSubdirectory("tollway-sim-").FullName : null;
        string directory = Directory.CreateDirectory(options.CaDirectory ?? owned!).FullName;
        string pemPath = Path.Combine(directory, "ca.pem");
        await File.WriteAllTextAsync(pemPath, ca.CertificatePem, Encoding.ASCII, cancellationToken);

        SimulatorState state = new(options);
        WebApplication app = Build(options, certificate, state);
        await app.StartAsync(cancellationToken);
        return new SimulatorServer(app, state, ca.CertificatePem, pemPath, owned);
    }

    /// <summary>Lets the answer that waits (or will wait) at this <c>x-sim-hold</c> name go on.</summary>
    public void Release(string name) => _state.Holds.Release(name);

    /// <summary>Completes when an answer has written everything before its hold of this name.</summary>
    public Task WhenHeldAsync(string name, CancellationToken cancellationToken = default) =>
        _state.Holds.WhenReachedAsync(name, cancellationToken);

    /// <summary>Forgets truth, requests, batches and holds (waiting answers go on).</summary>
    public void Reset() => _state.Reset();

    /// <summary>Completes when the server is told to stop (Ctrl-C, SIGTERM).</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => _app.WaitForShutdownAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _state.Holds.Clear();
        using (CancellationTokenSource now = new(TimeSpan.FromMilliseconds(200)))
        {
            await _app.StopAsync(now.Token);
        }

        await _app.DisposeAsync();
        if (_ownedDirectory is not null)
        {
            Directory.Delete(_ownedDirectory, recursive: true);
        }
    }

    private static WebApplication Build(SimulatorOptions options, X509Certificate2 certificate, SimulatorState state)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        // Appsettings and ASPNETCORE_URLS of the surroundings are not ours: only the listeners below are opened.
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, null);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = 128 << 10;
            kestrel.Limits.MaxRequestHeaderCount = 500;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);
            if (options.HttpPort is int http)
            {
                kestrel.Listen(IPAddress.Loopback, http, listen => Plain(listen));
            }

            if (options.HttpsPort is int https)
            {
                kestrel.Listen(IPAddress.Loopback, https, listen =>
                {
                    listen.UseHttps(tls =>
                    {
                        tls.ServerCertificate = certificate;
                        tls.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
                    });
                    Plain(listen);
                });
            }
        });

        WebApplication app = builder.Build();
        app.Run(new Dispatcher(state).HandleAsync);
        return app;

        static void Plain(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(RawConnection.Attach);
        }
    }
}
