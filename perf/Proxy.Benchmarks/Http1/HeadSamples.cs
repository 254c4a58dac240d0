using System.Text;

namespace Proxy.Benchmarks.Http1;

/// <summary>A response head as it passes in production; the request head is the tests' (Heads.ClaudeCode).</summary>
internal static class HeadSamples
{
    public static byte[] Response() => Encoding.Latin1.GetBytes(
        "HTTP/1.1 200 OK\r\n" +
        "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n" +
        "Content-Type: text/event-stream; charset=utf-8\r\n" +
        "Transfer-Encoding: chunked\r\n" +
        "Connection: keep-alive\r\n" +
        "Cache-Control: no-cache\r\n" +
        "request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n" +
        "anthropic-organization-id: 6f1c2d34-9f04-4b6e-8a27-1d2f3e4a5b6c\r\n" +
        "anthropic-ratelimit-tokens-remaining: 399000\r\n" +
        "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n" +
        "Server: cloudflare\r\n" +
        "CF-RAY: 8f0000000000abcd-FRA\r\n\r\n");
}
