using Microsoft.AspNetCore.Connections;

namespace Proxy.Core.Forwarding;

/// <summary>The data port's end of a Kestrel endpoint (<c>ListenOptions.UseConnectionHandler</c>): one call per client connection.</summary>
public sealed class GatewayConnectionHandler(Gateway gateway) : ConnectionHandler
{
    public override Task OnConnectedAsync(ConnectionContext connection) => throw new NotImplementedException(gateway.ToString());
}
