using System.Net.Sockets;
using Proxy.Core.Forwarding;

namespace Proxy.Host.Composition;

/// <summary>
/// Ends the sending side of a plain connection served inline: there a flush is over when the socket has taken all of it.
/// </summary>
internal sealed class SocketHalfClosing(Socket socket) : IHalfClosing
{
    public bool TryEndOutput()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
