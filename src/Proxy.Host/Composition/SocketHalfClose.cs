using System.Net.Sockets;
using Proxy.Core.Forwarding;

namespace Proxy.Host.Composition;

/// <summary>
/// Ends the sending side of a plain connection served inline: there a flush is over when the socket has taken all of it.
/// </summary>
internal sealed class SocketHalfClose(Socket socket) : IHalfClose
{
    private const int WriteBufferSize = 64 * 1024;

    /// <summary>
    /// Where the sending side of a connection can be ended behind all that was flushed. TLS's end goes the way of the data. A plain socket's does not, and
    /// only a flush that does the sending itself, and is over when the socket has taken all of it (<see cref="MaxWriteBufferSize"/>), is surely before it.
    /// </summary>
    public static bool IsPossible(bool isTls, bool isInline) => isTls || isInline;

    /// <summary>
    /// Kestrel's <c>MaxWriteBufferSize</c>: a flush that leaves this much unsent waits. Served inline it is one byte, which is what
    /// <see cref="IsPossible"/> rests on, and costs nothing.
    /// </summary>
    public static int MaxWriteBufferSize(bool isInline) => isInline ? 1 : WriteBufferSize;

    public ValueTask<bool> TryShutdownSendAsync()
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
