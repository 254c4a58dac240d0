using System.Buffers;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Proxy.Core.Http1;
using Proxy.Core.Upstream;
using Proxy.Core.Upstream.Managed;

namespace Proxy.Benchmarks.Upstream;

/// <summary>
/// Counts what a request and its response allocate below the exchange, where the TLS layer is: bytes per request of this whole process,
/// which does nothing else. Needs a simulator in another process (<c>--load</c>).
/// </summary>
internal static class TlsAllocations
{
    private const int WarmUp = 2_000;
    private const int Counted = 20_000;

    private static readonly byte[] Request = Encoding.ASCII.GetBytes(
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: sk-any\r\nContent-Type: application/json\r\nContent-Length: 2048\r\n\r\n" + new string('x', 2048));

    /// <param name="arguments">Port of the simulator and its CA file; without the CA file, plain TCP.</param>
    public static async Task RunAsync(string[] arguments)
    {
        if (arguments.Length is < 1 or > 2)
        {
            Console.Error.WriteLine("usage: tls-allocations PORT [CA-FILE]");
            return;
        }

        bool useTls = arguments.Length == 2;
        UpstreamEndpoint endpoint = new("localhost", int.Parse(arguments[0], CultureInfo.InvariantCulture), useTls);
        X509Certificate2Collection authorities = [];
        if (useTls)
        {
            authorities.ImportFromPemFile(arguments[1]);
        }

        foreach (int concurrency in new[] { 1, 64 })
        {
            TcpDialer dialer = new(new TcpDialerOptions { ExtraCertificateAuthorities = authorities });
            await using UpstreamPool pool = new(endpoint, dialer, new UpstreamPoolOptions(), TimeProvider.System);
            byte[][] buffers = [.. Enumerable.Range(0, concurrency).Select(_ => new byte[64 * 1024])];
            await RunAsync(pool, buffers, WarmUp);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await RunAsync(pool, buffers, Counted);
            long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            Console.WriteLine($"{(useTls ? "TLS" : "plain")}, {concurrency,2} at once: {(double)allocated / Counted:F1} bytes allocated per request");
        }
    }

    private static Task RunAsync(UpstreamPool pool, byte[][] buffers, int requests) =>
        Task.WhenAll(buffers.Select(buffer => Task.Run(() => ServeAsync(pool, buffer, requests / buffers.Length))));

    private static async Task ServeAsync(UpstreamPool pool, byte[] buffer, int requests)
    {
        ResponseHead head = new();
        for (int i = 0; i < requests; i++)
        {
            UpstreamConnection connection = pool.TryRent(out UpstreamConnection? idle) ? idle! : await pool.DialAsync();
            connection.BeginRequest();
            Request.CopyTo(connection.GetSendMemory(Request.Length));
            connection.AdvanceSend(Request.Length);
            await connection.FlushAsync();
            connection.EndRequest();
            int filled = 0;
            long end = long.MaxValue;
            while (filled < end)
            {
                _ = await connection.WaitReadableAsync();
                filled += await connection.ReadAsync(buffer.AsMemory(filled));
                end = EndOf(buffer, filled, head);
            }

            pool.Return(connection);
        }
    }

    private static long EndOf(byte[] buffer, int filled, ResponseHead head)
    {
        HeadScanner scanner = default;
        if (scanner.Scan(new ReadOnlySequence<byte>(buffer, 0, filled), HeadLimits.Response, isRequest: false) != HeadStatus.Complete)
        {
            return long.MaxValue;
        }

        return head.Parse(buffer.AsSpan(0, scanner.HeadLength), MethodId.Post, HeadLimits.Response) == HeadError.None && head.Framing == BodyFraming.Length
            ? scanner.HeadLength + head.ContentLength
            : throw new InvalidOperationException("The simulator did not answer as expected.");
    }
}
