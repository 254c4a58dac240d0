using System.Text;

namespace Proxy.Benchmarks.Http1;

/// <summary>Heads as they pass in production.</summary>
internal static class HeadSamples
{
    /// <summary>What Claude Code sends: 22 fields, about 0.9 KB.</summary>
    public static byte[] Request() => Encoding.Latin1.GetBytes(
        "POST /v1/messages?beta=true HTTP/1.1\r\n" +
        "host: gateway.example:8443\r\n" +
        "connection: keep-alive\r\n" +
        "accept: application/json\r\n" +
        "anthropic-beta: claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14\r\n" +
        "anthropic-dangerous-direct-browser-access: true\r\n" +
        "anthropic-version: 2023-06-01\r\n" +
        "authorization: Bearer sk-0123456789abcdef0123456789\r\n" +
        "content-type: application/json\r\n" +
        "user-agent: claude-cli/2.1.0 (external, cli)\r\n" +
        "x-app: cli\r\n" +
        "x-claude-code-session-id: 6f1c2d34-9f04-4b6e-8a27-1d2f3e4a5b6c\r\n" +
        "x-stainless-arch: x64\r\n" +
        "x-stainless-lang: js\r\n" +
        "x-stainless-os: Linux\r\n" +
        "x-stainless-package-version: 0.70.0\r\n" +
        "x-stainless-retry-count: 0\r\n" +
        "x-stainless-runtime: node\r\n" +
        "x-stainless-runtime-version: v24.3.0\r\n" +
        "x-stainless-timeout: 600\r\n" +
        "accept-language: *\r\n" +
        "accept-encoding: gzip, deflate, br, zstd\r\n" +
        "content-length: 48213\r\n\r\n");

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
