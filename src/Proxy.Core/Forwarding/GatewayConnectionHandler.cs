using Microsoft.AspNetCore.Connections;
using Proxy.Core.Diagnostics;

namespace Proxy.Core.Forwarding;

/// <summary>
/// The data port's end of a Kestrel endpoint (<c>ListenOptions.UseConnectionHandler</c>): one call per client connection.
/// </summary>
public sealed class GatewayConnectionHandler(Gateway gateway) : ConnectionHandler
{
    /// <summary>Serves one client connection until it ends.</summary>
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        using ClientConnection client = new(gateway, connection);
        client.Open();
        try
        {
            await client.RunAsync();
        }
        catch (Exception fault)
        {
            // Expected faults are values by now: this one is a bug, and ends this connection only.
            ForwardLog.ConnectionBroken(gateway.Logger, fault);
            connection.Abort();
        }
    }
}
