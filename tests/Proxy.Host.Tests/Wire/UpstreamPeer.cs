using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Proxy.Host.Tests.Wire;

/// <summary>One connection that the gateway opened, on the upstream's end: raw bytes both ways.</summary>
internal sealed class UpstreamPeer(Socket socket, Stream stream)
{
    private readonly List<byte> _received = [];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _taken;

    public Socket Socket => socket;

    /// <summary>Everything received on it so far.</summary>
    public string Received
    {
        get
        {
            lock (_received)
            {
                return Encoding.Latin1.GetString([.. _received]);
            }
        }
    }

    public async Task SendAsync(string text)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text));
        await stream.FlushAsync();
    }

    /// <summary>Byte by byte, each in a segment of its own as far as the network allows.</summary>
    public async Task SendBytewiseAsync(string text)
    {
        foreach (char next in text)
        {
            await SendAsync(next.ToString());
        }
    }

    /// <summary>A head and the body that its framing promises.</summary>
    /// <exception cref="EndOfStreamException">The gateway ended the connection.</exception>
    public async Task<string> ReadRequestAsync()
    {
        string head = await ReadHeadAsync();
        if (FieldOf(head, "content-length") is { } length)
        {
            return head + await ReadAsync(int.Parse(length, CultureInfo.InvariantCulture));
        }

        return FieldOf(head, "transfer-encoding") is null ? head : head + await ReadThroughAsync("0\r\n\r\n");
    }

    public Task<string> ReadHeadAsync() => ReadThroughAsync("\r\n\r\n");

    public async Task<string> ReadThroughAsync(string end)
    {
        int scanned = 0;
        while (true)
        {
            string text = Pending();
            int at = text.IndexOf(end, scanned, StringComparison.Ordinal);
            if (at >= 0)
            {
                _taken += at + end.Length;
                return text[..(at + end.Length)];
            }

            scanned = Math.Max(0, text.Length - end.Length + 1);
            await FillAsync();
        }
    }

    public async Task<string> ReadAsync(int count)
    {
        while (Pending().Length < count)
        {
            await FillAsync();
        }

        string text = Pending()[..count];
        _taken += count;
        return text;
    }

    /// <summary>Waits until the gateway has ended the connection, one way or the other.</summary>
    public async Task WaitForEndAsync()
    {
        try
        {
            while (true)
            {
                await FillAsync();
            }
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            // The end.
        }
    }

    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    /// <summary>FIN below TLS: no close_notify.</summary>
    public void Truncate() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>Waits until the other end's kernel has everything that was sent, FIN included: only then is it there to be seen.</summary>
    public async Task UntilDeliveredAsync()
    {
        // struct tcp_info of linux/tcp.h: tcpi_unacked.
        const int Tcp = 6;
        const int TcpInfo = 11;
        const int Unacknowledged = 24;
        byte[] info = new byte[104];
        while (socket.GetRawSocketOption(Tcp, TcpInfo, info) > Unacknowledged && BitConverter.ToInt32(info, Unacknowledged) != 0)
        {
            await Task.Yield();
        }
    }

    public static string? FieldOf(string head, string name) => head.Split("\r\n").Skip(1)
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(line => line[(name.Length + 1)..].Trim()).FirstOrDefault();

    private string Pending()
    {
        lock (_received)
        {
            return Encoding.Latin1.GetString(_received.ToArray().AsSpan(_taken));
        }
    }

    private async Task FillAsync()
    {
        int count = await stream.ReadAsync(_buffer);
        if (count == 0)
        {
            throw new EndOfStreamException();
        }

        lock (_received)
        {
            _received.AddRange(_buffer.AsSpan(0, count));
        }
    }
}
