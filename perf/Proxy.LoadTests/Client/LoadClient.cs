using System.Net;
using System.Net.Sockets;

namespace Proxy.LoadTests.Client;

/// <summary>A set of virtual users, each with a connection of its own.</summary>
internal sealed class LoadClient : IDisposable
{
    private readonly VirtualUser[] _users;
    private volatile LoadWindow? _window;
    private volatile int _active;

    /// <param name="expectedLength">Bytes of content in each good answer.</param>
    public LoadClient(EndPoint target, byte[] request, int users, long expectedLength)
    {
        Target = target;
        Request = request;
        ExpectedLength = expectedLength;
        _users = [.. Enumerable.Range(0, users).Select(index => new VirtualUser(this, index))];
    }

    public EndPoint Target { get; }

    public byte[] Request { get; }

    public long ExpectedLength { get; }

    /// <summary>Where to count; null while nothing is counted.</summary>
    public LoadWindow? Window
    {
        get => _window;
        set => _window = value;
    }

    /// <summary>Whether a virtual user is to ask again.</summary>
    public bool IsActive(int index) => index < _active;

    /// <summary>
    /// How many users are to work from now on. Called again and again by one thread: it also puts those to work again whose connection broke,
    /// at its pace and not at that of a server that refuses.
    /// </summary>
    public void SetActive(int count)
    {
        _active = count;
        for (int i = 0; i < count; i++)
        {
            _users[i].StartIfIdle();
        }
    }

    public static Socket Connect(EndPoint target)
    {
        Socket socket = new(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(target);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _active = 0;
        foreach (VirtualUser user in _users)
        {
            user.Close();
        }
    }
}
