using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Proxy.Core.Upstream.Managed;

/// <summary>
/// The stream under <see cref="System.Net.Security.SslStream"/>: straight on the socket. NetworkStream would cost a peek and a wake-up per
/// read
/// and a send per TLS record. Writes are gathered (corked) and leave in one send. One reader and one writer at a time.
/// </summary>
internal sealed class SocketStream : Stream
{
    /// <summary>Gathered writes leave at this size even when nobody uncorks: four TLS records and their overhead.</summary>
    private const int CorkCapacity = 72 * 1024;

    private readonly Socket _socket;
    private readonly ReadableWait _readable;
    private byte[]? _cork;
    private int _corked;

    /// <param name="socket">Connected. Nothing blocks on it from here on.</param>
    public SocketStream(Socket socket)
    {
        socket.Blocking = false;
        _socket = socket;
        _readable = new ReadableWait(socket);
    }

    /// <summary>
    /// What a read into no buffer does. True: it waits until something can be read, so that no buffer is held meanwhile. False: it
    /// completes at once,
    /// so that SslStream goes on to the real read, which saves a wake-up and costs its 32 KiB buffer while it waits.
    /// </summary>
    public bool WaitsOnEmptyReads { get; set; }

    /// <summary>Such a wait ends only when there is something to read (<see cref="ReadableWait.FiltersSpuriousWakeUps"/>).</summary>
    public bool FiltersSpuriousWakeUps
    {
        get => _readable.FiltersSpuriousWakeUps;
        set => _readable.FiltersSpuriousWakeUps = value;
    }

    /// <summary>On for TLS once the handshake, whose messages must leave at once, is done. Plain text has no records to gather.</summary>
    public bool IsCorked { get; set; }

    /// <summary>
    /// The handshake under way: what follows a read verifies certificates, which takes milliseconds, and must not run where socket events
    /// are served.
    /// </summary>
    public bool IsHandshaking { get; set; }

    /// <summary>For the tests, which look at its options and at what lies unread in it.</summary>
    internal Socket Socket => _socket;

    /// <summary>Bytes that the kernel took, or may have taken before a send failed: none that left is missing.</summary>
    public long BytesSent { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return WaitsOnEmptyReads ? _readable.WaitAsync() : new ValueTask<int>(0);
        }

        return IsHandshaking
            ? ReceiveOffLoopAsync(buffer, cancellationToken)
            : _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!IsCorked)
        {
            return SendAsync(buffer);
        }

        _cork ??= ArrayPool<byte>.Shared.Rent(CorkCapacity);
        if (buffer.Length > _cork.Length - _corked)
        {
            return SendThenCorkAsync(buffer);
        }

        buffer.Span.CopyTo(_cork.AsSpan(_corked));
        _corked += buffer.Length;
        return default;
    }

    /// <summary>Sends what was gathered.</summary>
    public ValueTask UncorkAsync()
    {
        if (_corked == 0)
        {
            return default;
        }

        ValueTask send = SendAsync(_cork.AsMemory(0, _corked));
        if (!send.IsCompletedSuccessfully)
        {
            return FinishUncorkAsync(send);
        }

        ReleaseCork();
        return default;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Nothing on the data path blocks.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Nothing on the data path blocks.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // Reset rather than close: the peer learns at once that nobody reads on.
        _socket.Close(0);
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReceiveOffLoopAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count = await _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FinishUncorkAsync(ValueTask send)
    {
        await send;

        // Not in a finally: after a fault the kernel may not be done with the buffer, so it goes to the collector and never to another
        // owner.
        ReleaseCork();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendThenCorkAsync(ReadOnlyMemory<byte> buffer)
    {
        await UncorkAsync();
        if (buffer.Length > CorkCapacity)
        {
            await SendAsync(buffer);
            return;
        }

        await WriteAsync(buffer);
    }

    /// <summary>
    /// Sends all of it. What the kernel takes at once, which is the rule, makes no state machine, and is counted to the byte also when the
    /// send then
    /// fails. The framework does not tell how much of a send that had to wait was taken before it failed: that counts as taken from its
    /// start.
    /// </summary>
    private ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        int taken = _socket.Send(buffer.Span, SocketFlags.None, out SocketError error);
        BytesSent += taken;
        if (taken == buffer.Length)
        {
            return default;
        }

        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            throw new SocketException((int)error);
        }

        BytesSent += buffer.Length - taken;
        return SendRestAsync(buffer[taken..]);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendRestAsync(ReadOnlyMemory<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[await _socket.SendAsync(buffer, SocketFlags.None)..];
        }
    }

    private void ReleaseCork()
    {
        _corked = 0;
        ArrayPool<byte>.Shared.Return(_cork!);
        _cork = null;
    }
}
