using System.Diagnostics;
using System.Text;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Upstream;

/// <summary>What the tests do with a connection as the exchange would.</summary>
internal static class Wire
{
    public static void Append(this UpstreamConnection connection, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(connection.GetSendMemory(bytes.Length).Span);
        connection.AdvanceSend(bytes.Length);
    }

    public static async Task SendAsync(this UpstreamConnection connection, byte[] bytes, int piece = UpstreamConnection.MaxSendHint)
    {
        for (int offset = 0; offset < bytes.Length; offset += piece)
        {
            connection.Append(bytes.AsSpan(offset, Math.Min(piece, bytes.Length - offset)));
            await connection.FlushAsync();
        }

        connection.EndRequest();
    }

    public static async Task<byte[]> ReceiveAsync(this UpstreamConnection connection, int count)
    {
        byte[] bytes = new byte[count];
        int filled = 0;
        while (filled < count)
        {
            _ = await connection.WaitReadableAsync();
            int read = await connection.ReadAsync(bytes.AsMemory(filled));
            if (read == 0)
            {
                throw new EndOfStreamException($"ended after {filled} of {count} bytes");
            }

            filled += read;
        }

        return bytes;
    }

    public static async Task<string> ReceiveTextAsync(this Stream stream, int count)
    {
        byte[] bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken);
        return Encoding.ASCII.GetString(bytes);
    }

    /// <summary>A whole request and its response on a rented connection.</summary>
    public static async Task ExchangeAsync(this UpstreamConnection connection, Stream server)
    {
        connection.BeginRequest();
        await connection.SendAsync("request"u8.ToArray());
        Assert.Equal("request", await server.ReceiveTextAsync(7));
        await server.WriteAsync("response"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("response"u8.ToArray(), await connection.ReceiveAsync(8));
    }

    /// <summary>Random bytes, the same in every run.</summary>
    public static byte[] Noise(int count, int seed)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Yields until another thread has brought something about. The limit only turns a hang into a failure.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), $"never came about: {what}");
            await Task.Yield();
        }
    }
}
