using System.Diagnostics;
using System.Net.Sockets;

namespace Proxy.LoadTests.Client;

/// <summary>
/// One keep-alive connection: asks, reads to the end of the answer, asks again. Its state belongs to the thread that moves it: the socket
/// thread, or, while <see cref="_working"/> is 0, the runner.
/// </summary>
internal sealed class VirtualUser : SocketAsyncEventArgs
{
    // Enough that a server which always answers at once does not keep others from being served.
    private const int MaxTurnsInARow = 64;
    private const int ReceiveLength = 64 * 1024;

    private readonly LoadClient _client;
    private readonly int _index;
    private readonly byte[] _received = GC.AllocateUninitializedArray<byte>(ReceiveLength, pinned: true);
    private ResponseFramer _framer;
    private Socket? _socket;
    private long _sentAt;
    private long _firstByteAt;
    private int _sent;
    private bool _isSending;
    private volatile bool _disposed;

    // 1 while a request is under way. Partner: StartIfIdle of the runner's thread against Rest of the socket's.
    private int _working;

    public VirtualUser(LoadClient client, int index)
        : base(true) // no execution context is captured
    {
        _client = client;
        _index = index;
    }

    /// <exception cref="SocketException">The target does not listen.</exception>
    public void StartIfIdle()
    {
        if (_disposed || Interlocked.CompareExchange(ref _working, 1, 0) != 0)
        {
            return;
        }

        try
        {
            _socket ??= LoadClient.Connect(_client.Target);
        }
        catch (SocketException)
        {
            Fail();
            return;
        }

        BeginRequest();
        Run(Issue());
    }

    /// <summary>Closes the connection whatever is under way on it.</summary>
    public void Close()
    {
        _disposed = true;
        _socket?.Dispose();
    }

    protected override void OnCompleted(SocketAsyncEventArgs e) => Run(isCompleted: true);

    private void Run(bool isCompleted)
    {
        int turns = 0;
        while (isCompleted)
        {
            if (SocketError != SocketError.Success || _disposed)
            {
                Fail();
                return;
            }

            if (!(_isSending ? TakeSent() : TakeReceived()))
            {
                return;
            }

            if (++turns == MaxTurnsInARow)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static user => user.Run(user.Issue()), this, preferLocal: false);
                return;
            }

            isCompleted = Issue();
        }
    }

    /// <summary>Starts the send or the receive that is due.</summary>
    /// <returns>Whether it was done at once.</returns>
    private bool Issue()
    {
        try
        {
            return _isSending ? !_socket!.SendAsync(this) : !_socket!.ReceiveAsync(this);
        }
        catch (ObjectDisposedException)
        {
            // Close came between; Run sees it.
            return true;
        }
    }

    private bool TakeSent()
    {
        _sent += BytesTransferred;
        if (_sent < _client.Request.Length)
        {
            SetBuffer(_client.Request, _sent, _client.Request.Length - _sent);
            return true;
        }

        _isSending = false;
        SetBuffer(_received, 0, ReceiveLength);
        return true;
    }

    private bool TakeReceived()
    {
        if (BytesTransferred == 0)
        {
            Fail();
            return false;
        }

        if (_firstByteAt == 0)
        {
            _firstByteAt = Stopwatch.GetTimestamp();
        }

        int taken = _framer.Feed(_received.AsSpan(0, BytesTransferred));
        if (!_framer.IsEnded)
        {
            return true;
        }

        if (_framer.State == FramerState.Broken || taken < BytesTransferred)
        {
            // Bytes behind the end of an answer that was not asked for are a fault of framing.
            Fail();
            return false;
        }

        Book();
        if (_framer.Closes || !_client.IsActive(_index))
        {
            Rest(keep: !_framer.Closes);
            return false;
        }

        BeginRequest();
        return true;
    }

    private void BeginRequest()
    {
        _framer.Reset();
        _sent = 0;
        _isSending = true;
        _firstByteAt = 0;
        _sentAt = Stopwatch.GetTimestamp();
        SetBuffer(_client.Request, 0, _client.Request.Length);
    }

    private void Book()
    {
        if (_client.Window is { } window)
        {
            long now = Stopwatch.GetTimestamp();
            window.Add(
                _framer.Status,
                _framer.BodyBytes,
                _framer.BodyBytes == _client.ExpectedLength,
                (long)Stopwatch.GetElapsedTime(_sentAt, _firstByteAt).TotalMicroseconds,
                (long)Stopwatch.GetElapsedTime(_sentAt, now).TotalMicroseconds);
        }
    }

    private void Fail()
    {
        if (!_disposed)
        {
            _client.Window?.AddFailure();
        }

        Rest(keep: false);
    }

    private void Rest(bool keep)
    {
        if (!keep)
        {
            _socket?.Dispose();
            _socket = null;
        }

        Volatile.Write(ref _working, 0);
    }
}
