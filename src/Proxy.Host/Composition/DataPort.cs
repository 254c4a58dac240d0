using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Proxy.Core.Forwarding;
using Proxy.Host.Configuration;

namespace Proxy.Host.Composition;

/// <summary>Kestrel as a listener of connections: its sockets and its TLS, and nothing of its HTTP.</summary>
internal static class DataPort
{
    /// <param name="asService">Under a console or systemd: signals end it and systemd is notified. Otherwise it lives and ends as its owner
    /// says.</param>
    public static WebApplication Build(GatewayConfiguration configuration, Gateway gateway, ILoggerFactory loggers, bool asService)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = "tollway",
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, PinnedMemoryPoolFactory>();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(gateway);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = configuration.Drain);
        builder.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        builder.Services.Configure<SocketTransportOptions>(options =>
        {
            options.UnsafePreferInlineScheduling = configuration.Transport.Inline;
            options.WaitForDataBeforeAllocatingBuffer = configuration.Transport.WaitForData;
            options.NoDelay = true;

            // What a connection may make us hold (docs/security.md); a body moves on in pieces of 64 KiB.
            options.MaxReadBufferSize = 256 * 1024;
            options.MaxWriteBufferSize = SocketHalfClose.MaxWriteBufferSize(configuration.Transport.Inline);
        });
        if (asService)
        {
            builder.Services.AddSystemd();
        }
        else
        {
            builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        }

        HttpsConnectionAdapterOptions? tls = configuration.Tls is null ? null : LoadTls(configuration.Tls);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            foreach (ListenAddress address in configuration.Listen)
            {
                Action<ListenOptions> use = options => Use(options, address.UseTls ? tls : null, gateway, configuration);
                if (address.Address is null)
                {
                    kestrel.ListenAnyIP(address.Port, use);
                }
                else
                {
                    kestrel.Listen(new IPEndPoint(address.Address, address.Port), use);
                }
            }
        });
        return builder.Build();
    }

    private static void Use(ListenOptions options, HttpsConnectionAdapterOptions? tls, Gateway gateway, GatewayConfiguration configuration)
    {
        options.Use(next => ConnectionMiddleware.Count(next, gateway, isTls: tls is not null));
        // Decides what ALPN offers: this port speaks HTTP/1.1 only.
        options.Protocols = HttpProtocols.Http1;
        if (tls is not null)
        {
            options.UseHttps(tls);
        }

        if (SocketHalfClose.IsPossible(isTls: tls is not null, configuration.Transport.Inline))
        {
            options.Use(ConnectionMiddleware.AllowHalfClose);
        }

        options.UseConnectionHandler<GatewayConnectionHandler>();
    }

    private static HttpsConnectionAdapterOptions LoadTls(TlsConfiguration tls)
    {
        try
        {
            X509Certificate2Collection chain = [];
            chain.ImportFromPemFile(tls.CertificateFile);
            return new HttpsConnectionAdapterOptions
            {
                ServerCertificate = X509Certificate2.CreateFromPemFile(tls.CertificateFile, tls.KeyFile),
                ServerCertificateChain = chain,
                HandshakeTimeout = tls.HandshakeTimeout,

                // HTTP/1.0 is served too, and a client that offers only what is not on the list is refused.
                OnAuthenticate = static (_, options) =>
                    options.ApplicationProtocols = [SslApplicationProtocol.Http11, new SslApplicationProtocol("http/1.0")],
            };
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"tls: {tls.CertificateFile} and {tls.KeyFile} cannot be used together: {fault.Message}"]);
        }
    }
}
