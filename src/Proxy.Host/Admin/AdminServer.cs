using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Proxy.Host.Composition;
using Proxy.Host.Configuration;

namespace Proxy.Host.Admin;

/// <summary>
/// The admin API on a listener of its own, never on the data port: an ordinary HTTP server of the framework. Works beside a gateway, and over the
/// ledger alone.
/// </summary>
internal static class AdminServer
{
    private const long MaxBody = 1024 * 1024;

    /// <exception cref="IOException">The socket or the address is in use.</exception>
    public static async Task<WebApplication> StartAsync(AdminContext context, AdminListen listen, ILoggerFactory loggers)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "tollway", ContentRootPath = AppContext.BaseDirectory });

        // The framework's own log repeats request targets, and LiteLLM's scripts put keys into them (/key/info?key=sk-…).
        builder.Services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        builder.Services.AddRouting();
        builder.Services.AddAdminOpenApi();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
            if (listen.Socket is not null)
            {
                TakePlace(listen.Socket);
                kestrel.ListenUnixSocket(listen.Socket, options => options.Protocols = HttpProtocols.Http1);
            }

            if (listen.Address is not null)
            {
                kestrel.Listen(listen.Address, options => options.Protocols = HttpProtocols.Http1);
            }
        });

        WebApplication app = builder.Build();
        ILogger logger = loggers.CreateLogger("tollway.admin");
        app.Use(next => http => AdminErrors.GuardAsync(http, next, logger));
        app.Use(next => http => AdminAuthorization.CheckAsync(http, next, context));
        app.UseRouting();
        Map(app, context);
        app.UseEndpoints(static _ => { });
        await app.StartAsync();
        if (listen.Socket is not null && !OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(listen.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return app;
    }

    private static void Map(WebApplication app, AdminContext context)
    {
        KeyService keys = new(context);
        RouteGroupBuilder all = app.MapGroup("");
        all.MapKeys(keys);
        all.MapTeams(new TeamService(context));
        all.MapUsers(new UserService(context, keys));
        all.MapSpend(context);
        all.MapHealth(context);
        all.DescribeAll();
        app.MapOpenApi("/openapi.json");
    }

    /// <summary>A socket file that nobody listens on any more is removed; one that somebody does is not.</summary>
    private static void TakePlace(string path)
    {
        string? directory = Path.GetDirectoryName(Path.GetFullPath(path));
        if (directory is not null && !Directory.Exists(directory))
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(directory);
            }
            else
            {
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }

        if (!File.Exists(path))
        {
            return;
        }

        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }

        throw new ConfigurationException([$"admin.socket: another process listens on {path}"]);
    }
}
