using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>A keep-alive HTTP/1.1 client on a bare socket, so that tests see and send exact bytes.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    private RawClient(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
    }

    public static async Task<RawClient> ConnectAsync(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new RawClient(socket);
    }

    public async Task SendAsync(string text) => await SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _stream.WriteAsync(bytes);

    /// <summary>Sends a request with a body in the given framing.</summary>
    public async Task SendAsync(string method, string target, IEnumerable<string> fields, ReadOnlyMemory<byte> body, bool chunked = false)
    {
        StringBuilder head = new($"{method} {target} HTTP/1.1\r\nHost: gateway.test\r\n");
        foreach (string field in fields)
        {
            head.Append(field).Append("\r\n");
        }

        head.Append(chunked ? "Transfer-Encoding: chunked\r\n\r\n" : $"Content-Length: {body.Length}\r\n\r\n");
        if (!chunked)
        {
            byte[] whole = new byte[head.Length + body.Length];
            Encoding.Latin1.GetBytes(head.ToString(), whole);
            body.CopyTo(whole.AsMemory(head.Length));
            await SendAsync(whole);
            return;
        }

        await SendAsync(head.ToString());
        for (int offset = 0, size = 1; offset < body.Length; size = Math.Min((size * 3) + 1, 100_000))
        {
            int count = Math.Min(size, body.Length - offset);
            await SendAsync(count.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
            await SendAsync(body.Slice(offset, count));
            await SendAsync("\r\n");
            offset += count;
        }

        await SendAsync("0\r\n\r\n");
    }

    /// <summary>Reads one response, interim ones skipped.</summary>
    /// <exception cref="EndOfStreamException">The gateway closed before the end that its framing promised.</exception>
    public async Task<RawResponse> ReceiveAsync(string method = "POST")
    {
        while (true)
        {
            string head = Encoding.Latin1.GetString(await ReadThroughAsync("\r\n\r\n"u8.ToArray()));
            string[] lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
            RawResponse response = new()
            {
                Status = int.Parse(lines[0].AsSpan(9, 3), CultureInfo.InvariantCulture),
                Fields = [.. lines.Skip(1).Select(line => KeyValuePair.Create(line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..].Trim()))],
            };
            if (response.Status is >= 100 and < 200)
            {
                continue;
            }

            if (method != "HEAD" && response.Status is not (204 or 304))
            {
                await ReadBodyAsync(response);
            }

            return response;
        }
    }

    /// <summary>Reads to the end of the connection.</summary>
    public async Task<byte[]> ReceiveAllAsync()
    {
        using MemoryStream all = new();
        do
        {
            all.Write(_buffer, _start, _end - _start);
            _start = _end;
        }
        while (await FillAsync());
        return all.ToArray();
    }

    /// <summary>Bytes up to and with this end.</summary>
    public async Task<byte[]> ReadThroughAsync(byte[] end)
    {
        int scanned = 0;
        while (true)
        {
            int at = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf(end);
            if (at >= 0)
            {
                return Take(scanned + at + end.Length);
            }

            scanned = Math.Max(0, _end - _start - end.Length + 1);
            if (!await FillAsync())
            {
                throw new EndOfStreamException("closed after: " + Encoding.Latin1.GetString(_buffer, _start, _end - _start));
            }
        }
    }

    /// <summary>Leaves at once, with a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task ReadBodyAsync(RawResponse response)
    {
        using MemoryStream body = new();
        if (response.Field("transfer-encoding") is "chunked")
        {
            while (true)
            {
                string line = Encoding.Latin1.GetString(await ReadThroughAsync("\r\n"u8.ToArray()));
                int size = int.Parse(line.AsSpan().TrimEnd(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                byte[] data = await ReadExactAsync(size + 2);
                if (size == 0)
                {
                    break;
                }

                body.Write(data, 0, size);
            }
        }
        else if (response.Field("content-length") is { } length)
        {
            body.Write(await ReadExactAsync(int.Parse(length, CultureInfo.InvariantCulture)));
        }
        else
        {
            body.Write(await ReceiveAllAsync());
        }

        response.Body = body.ToArray();
    }

    private async Task<byte[]> ReadExactAsync(int count)
    {
        while (_end - _start < count)
        {
            if (!await FillAsync())
            {
                throw new EndOfStreamException($"closed after {_end - _start} of {count} bytes");
            }
        }

        return Take(count);
    }

    private byte[] Take(int count)
    {
        byte[] taken = _buffer.AsSpan(_start, count).ToArray();
        _start += count;
        return taken;
    }

    private async Task<bool> FillAsync()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }

        if (_end == _buffer.Length)
        {
            if (_start == 0)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }
            else
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                _end -= _start;
                _start = 0;
            }
        }

        int count = await _stream.ReadAsync(_buffer.AsMemory(_end));
        _end += count;
        return count > 0;
    }
}
