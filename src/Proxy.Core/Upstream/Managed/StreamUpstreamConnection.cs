using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Proxy.Core.Upstream.Managed;

/// <summary>A connection over our own socket stream, with <see cref="SslStream"/> on it where the upstream speaks TLS.</summary>
internal sealed class StreamUpstreamConnection : UpstreamConnection
{
    private const int SendCapacity = MaxSendHint;

    private readonly SocketStream _socket;
    private readonly Stream _stream;
    private readonly bool _isPlain;
    private ValueTask<int> _idleRead;
    private bool _hasIdleRead;
    private bool _isStreaming;
    private byte[]? _send;
    private int _pending;
    private int _written;
    private bool _isWriting;
    private long _sentBefore;
    private int _aborted;

    public StreamUpstreamConnection(UpstreamEndpoint endpoint, SocketStream socket, SslStream? tls)
        : base(endpoint)
    {
        _socket = socket;
        _stream = tls is null ? socket : tls;
        _isPlain = tls is null;
        _socket.IsCorked = !_isPlain;
        _socket.IsHandshaking = false;
        _socket.WaitsOnEmptyReads = _isPlain;

        // SslStream goes on reading by itself when a wait ended for nothing. On plain TCP such an end would hold back what is to be
        // flushed.
        _socket.FiltersSpuriousWakeUps = _isPlain;
    }

    internal Socket Socket => _socket.Socket;

    public override long BytesSent => _socket.BytesSent - _sentBefore;

    public override int PendingSend => Volatile.Read(ref _pending);

    public override bool IsStreaming
    {
        get => _isStreaming;
        set
        {
            _isStreaming = value;
            _socket.WaitsOnEmptyReads = _isPlain || value;
        }
    }

    public override void BeginRequest()
    {
        _sentBefore = _socket.BytesSent;
        IsStreaming = false;
        _socket.FiltersSpuriousWakeUps = _isPlain;
    }

    public override ValueTask<int> WaitReadableAsync()
    {
        if (_hasIdleRead)
        {
            // The read that watched over the idle connection is the wait for this response: two may never be outstanding.
            _hasIdleRead = false;
            ValueTask<int> read = _idleRead;
            _idleRead = default;
            return read;
        }

        return _stream.ReadAsync(Memory<byte>.Empty);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> destination) => _stream.ReadAsync(destination);

    public override Memory<byte> GetSendMemory(int sizeHint)
    {
        _send ??= ArrayPool<byte>.Shared.Rent(SendCapacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeHint, _send.Length - _pending);
        return _send.AsMemory(_pending);
    }

    public override void AdvanceSend(int count)
    {
        int end = _pending + count;
        _written = Math.Max(_written, end);
        Volatile.Write(ref _pending, end);
    }

    public override ValueTask FlushAsync()
    {
        if (_pending == 0)
        {
            return default;
        }

        _isWriting = true;
        ValueTask write = _stream.WriteAsync(_send.AsMemory(0, _pending));
        if (!write.IsCompletedSuccessfully)
        {
            return FinishFlushAsync(write);
        }

        write.GetAwaiter().GetResult();
        ValueTask uncork = _socket.UncorkAsync();
        if (!uncork.IsCompletedSuccessfully)
        {
            return FinishFlushAsync(uncork);
        }

        _isWriting = false;
        Volatile.Write(ref _pending, 0);
        return default;
    }

    public override void EndRequest()
    {
        if (_send is not null)
        {
            // It held a credential. Whoever cut the request off may have left more in it than was appended.
            Array.Clear(_send, 0, Volatile.Read(ref _aborted) == 0 ? _written : _send.Length);

            // A write that failed may still be at the buffer: the collector takes that one.
            if (!_isWriting)
            {
                ArrayPool<byte>.Shared.Return(_send);
            }

            _send = null;
        }

        _written = 0;
        Volatile.Write(ref _pending, 0);
    }

    public override void Abort()
    {
        if (Interlocked.Exchange(ref _aborted, 1) == 0)
        {
            _stream.Dispose();
        }
    }

    protected internal override void BeginIdle()
    {
        // Waiting, not reading: otherwise SslStream would hold its buffer for every idle connection.
        // Exactly, because a wait that ended for nothing would make the connection look dead, or SslStream take that buffer.
        _socket.WaitsOnEmptyReads = true;
        _socket.FiltersSpuriousWakeUps = true;
        if (_hasIdleRead || Volatile.Read(ref _aborted) != 0)
        {
            return;
        }

        try
        {
#pragma warning disable CA2012 // Looked at while it is pending, awaited once: by the request that rents the connection.
            _idleRead = _stream.ReadAsync(Memory<byte>.Empty);
#pragma warning restore CA2012
            _hasIdleRead = true;
        }
        catch (Exception fault) when (IsTransportFault(fault))
        {
            // Cut in this very moment by another thread: without a read it is not healthy, and the pool drops it.
        }
    }

    /// <summary>TLS 1.3 session tickets do not complete the read; data, the end of the stream and errors do.</summary>
    protected internal override bool IsIdleAndHealthy =>
        Volatile.Read(ref _aborted) == 0 && _hasIdleRead && !_idleRead.IsCompleted && IsQuiet();

    /// <summary>Asks the socket itself: what has come may not have been told to the pending read yet (http-rules.md row 54).</summary>
    private bool IsQuiet()
    {
        try
        {
            return !_socket.Socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception fault) when (IsTransportFault(fault))
        {
            return false;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FinishFlushAsync(ValueTask outstanding)
    {
        await outstanding;
        await _socket.UncorkAsync();
        _isWriting = false;
        Volatile.Write(ref _pending, 0);
    }
}
