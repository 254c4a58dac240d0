using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Proxy.Core.Forwarding;

namespace Proxy.Host.Composition;

/// <summary>What happens to a connection of the data port before TLS and before its first byte is read.</summary>
internal static class ConnectionMiddleware
{
    /// <summary>Holds the limits on connections.</summary>
    public static ConnectionDelegate Count(ConnectionDelegate next, Gateway gateway, bool isTls) => async connection =>
    {
        ConnectionGate gate = gateway.Connections;
        if (!gate.TryEnter(connection.RemoteEndPoint))
        {
            await RefuseAsync(connection, gate, isTls);
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
            connection.Features.Set<IHalfClose>(new TlsHalfClose(tls.SslStream));
        }
        else if (connection.Features.Get<IConnectionSocketFeature>() is { } plain)
        {
            connection.Features.Set<IHalfClose>(new SocketHalfClose(plain.Socket));
        }

        return next(connection);
    };

    private static async Task RefuseAsync(ConnectionContext connection, ConnectionGate gate, bool isTls)
    {
        if (isTls)
        {
            // A handshake would cost what the limit is there to save.
            connection.Abort();
            return;
        }

        PipeWriter output = connection.Transport.Output;
        gate.WriteRefusal(output);
        _ = await output.FlushAsync();
    }
}
