using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Proxy.Core.Upstream.Managed;

/// <summary>
/// The wait for a readable socket. The runtime ends a receive into no buffer at any event of the socket, also at one whose bytes were read
/// meanwhile (BufferMemoryReceiveOperation.DoTryComplete of SocketAsyncContext.Unix.cs); where that matters the socket is asked, and the
/// wait goes on.
/// One outstanding; allocates nothing.
/// </summary>
internal sealed class ReadableWait : IValueTaskSource<int>
{
    private readonly Socket _socket;
    private readonly Action _onEvent;
    private ManualResetValueTaskSourceCore<int> _core;
    private ValueTaskAwaiter<int> _event;
    private volatile bool _filtersSpuriousWakeUps;

    public ReadableWait(Socket socket)
    {
        _socket = socket;
        _onEvent = OnEvent;
    }

    /// <summary>
    /// A system call per wait. Without it a wait may end although nothing can be read, which costs the reader the buffer that it then
    /// holds; with
    /// it, it never does. Looked at when an event comes, so that a wait that began exact may end cheaply.
    /// </summary>
    public bool FiltersSpuriousWakeUps
    {
        get => _filtersSpuriousWakeUps;
        set => _filtersSpuriousWakeUps = value;
    }

    public ValueTask<int> WaitAsync()
    {
        ValueTask<int> receive = _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
        if (receive.IsCompleted && IsReadable())
        {
            return receive;
        }

        _core.Reset();
        short version = _core.Version;
        _event = receive.GetAwaiter();
        Continue();
        return new ValueTask<int>(this, version);
    }

    int IValueTaskSource<int>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Hooks on to the receive, unless it ended meanwhile.</summary>
    private void Continue()
    {
        if (_event.IsCompleted)
        {
            OnEvent();
        }
        else
        {
            _event.UnsafeOnCompleted(_onEvent);
        }
    }

    private void OnEvent()
    {
        try
        {
            while (true)
            {
                _ = _event.GetResult();
                if (IsReadable())
                {
                    break;
                }

#pragma warning disable CA2012 // The awaiter is kept to be hooked on to and read once, here.
                _event = _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).GetAwaiter();
#pragma warning restore CA2012
                if (!_event.IsCompleted)
                {
                    _event.UnsafeOnCompleted(_onEvent);
                    return;
                }
            }
        }
        catch (Exception fault)
        {
            _event = default;
            _core.SetException(fault);
            return;
        }

        _event = default;
        _core.SetResult(0);
    }

    private bool IsReadable() => !FiltersSpuriousWakeUps || _socket.Poll(0, SelectMode.SelectRead);
}
