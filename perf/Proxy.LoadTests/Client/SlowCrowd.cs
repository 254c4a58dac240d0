using System.Net;
using System.Net.Sockets;

namespace Proxy.LoadTests.Client;

/// <summary>
/// Clients that only cost: one half sends a head at one byte a second, the other asks again and again and reads no answer. Whoever is cut off by the server
/// comes back.
/// </summary>
internal sealed class SlowCrowd : IDisposable
{
    private const int RequestsUnread = 50;

    private readonly EndPoint _target;
    private readonly byte[] _head;
    private readonly byte[] _request;
    private readonly Socket?[] _clients;
    private readonly Timer _timer;
    private int _cut;

    public SlowCrowd(EndPoint target, byte[] request, int count)
    {
        _target = target;
        _request = request;
        _head = "GET /anthropic/v1/models HTTP/1.1\r\nX: "u8.ToArray();
        _clients = new Socket?[count];
        Tick();
        _timer = new Timer(_ => Tick(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>How many were cut off so far.</summary>
    public int Cut => Volatile.Read(ref _cut);

    public void Dispose()
    {
        using ManualResetEvent over = new(false);
        _timer.Dispose(over);
        over.WaitOne();
        foreach (Socket? client in _clients)
        {
            client?.Dispose();
        }
    }

    private void Tick()
    {
        for (int i = 0; i < _clients.Length; i++)
        {
            try
            {
                if (_clients[i] is not { } client)
                {
                    _clients[i] = Open(isHead: i % 2 == 0);
                }
                else if (i % 2 == 0)
                {
                    client.Send("x"u8);
                }
                else if (client.Poll(0, SelectMode.SelectError))
                {
                    throw new SocketException((int)SocketError.ConnectionReset);
                }
            }
            catch (SocketException)
            {
                Interlocked.Increment(ref _cut);
                _clients[i]?.Dispose();
                _clients[i] = null;
            }
        }
    }

    private Socket Open(bool isHead)
    {
        Socket client = LoadClient.Connect(_target);
        client.Blocking = false;
        if (isHead)
        {
            client.Send(_head);
            return client;
        }

        try
        {
            for (int i = 0; i < RequestsUnread; i++)
            {
                client.Send(_request);
            }
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.WouldBlock)
        {
            // As much as it takes.
        }

        return client;
    }
}
