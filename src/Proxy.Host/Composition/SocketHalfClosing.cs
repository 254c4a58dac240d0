using System.Net.Sockets;
using Proxy.Core.Forwarding;

namespace Proxy.Host.Composition;

/// <summary>
/// Ends the sending side of a plain connection served inline: there what was flushed is sent before the flush returns, as long as the socket takes it.
/// </summary>
internal sealed class SocketHalfClosing(Socket socket) : IHalfClosing
{
    public bool TryEndOutput()
    {
        try
        {
            // A full socket means that the transport may still hold something for it.
            if (!socket.Poll(0, SelectMode.SelectWrite))
            {
                return false;
            }

            socket.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
