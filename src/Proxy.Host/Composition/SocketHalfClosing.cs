using System.Net.Sockets;
using Proxy.Core.Forwarding;

namespace Proxy.Host.Composition;

/// <summary>
/// Ends the sending side of a plain connection served inline: there a flush is over when the socket has taken all of it.
/// </summary>
internal sealed class SocketHalfClosing(Socket socket) : IHalfClosing
{
    public ValueTask<bool> TryEndOutputAsync()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            return ValueTask.FromResult(true);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return ValueTask.FromResult(false);
        }
    }
}
