using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Proxy.Core.Forwarding;

namespace Proxy.Host.Composition;

/// <summary>What happens to a connection of the data port before TLS and before its first byte is read.</summary>
internal static class ConnectionMiddleware
{
    private static readonly byte[] BeforeDate = "HTTP/1.1 503 Service Unavailable\r\ndate: "u8.ToArray();

    private static readonly byte[] AfterDate =
    [
        .. "\r\ncontent-type: application/json\r\ncontent-length: 125\r\nretry-after: 1\r\nx-should-retry: true\r\nconnection: close\r\n\r\n"u8,
        .. """{"type":"error","error":{"type":"api_error","message":"the gateway has too many connections, or too many from this address"}}"""u8,
    ];

    /// <summary>Holds the limits on connections.</summary>
    public static ConnectionDelegate Count(ConnectionDelegate next, Gateway gateway, bool isTls) => async connection =>
    {
        ConnectionGate gate = gateway.Connections;
        if (!gate.TryEnter(connection.RemoteEndPoint))
        {
            await RefuseAsync(connection, gateway.Clock, isTls);
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            gate.Leave(connection.RemoteEndPoint);
        }
    };

    /// <summary>Lets the data path end its sending side early; behind TLS where there is TLS.</summary>
    public static ConnectionDelegate AllowHalfClose(ConnectionDelegate next) => connection =>
    {
        if (connection.Features.Get<ISslStreamFeature>() is { } tls)
        {
            connection.Features.Set<IHalfClosing>(new TlsHalfClosing(tls.SslStream));
        }
        else if (connection.Features.Get<IConnectionSocketFeature>() is { } plain)
        {
            connection.Features.Set<IHalfClosing>(new SocketHalfClosing(plain.Socket));
        }

        return next(connection);
    };

    private static async Task RefuseAsync(ConnectionContext connection, CoarseClock clock, bool isTls)
    {
        if (isTls)
        {
            // A handshake would cost what the limit is there to save.
            connection.Abort();
            return;
        }

        PipeWriter output = connection.Transport.Output;
        output.Write(BeforeDate);
        output.Write(clock.Date);
        output.Write(AfterDate);
        _ = await output.FlushAsync();
    }
}
