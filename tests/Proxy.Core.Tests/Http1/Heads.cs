using System.Text;

namespace Proxy.Core.Tests.Http1;

/// <summary>Heads for the tests, written as Latin-1 so that every byte value has a character.</summary>
internal static class Heads
{
    /// <summary>What Claude Code sends: 22 fields, about 0.9 KB.</summary>
    public const string ClaudeCode =
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
        "content-length: 48213\r\n\r\n";

    public const string Answer =
        "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
        "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\nrequest-id: req_011\r\nServer: cloudflare\r\n\r\n";

    public static byte[] Bytes(string head) => Encoding.Latin1.GetBytes(head);

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>A GET with these lines after Host.</summary>
    public static string Get(params string[] lines) => "GET /v1/models HTTP/1.1\r\nHost: a\r\n" + Lines(lines) + "\r\n";

    /// <summary>A POST with these lines after Host.</summary>
    public static string Post(params string[] lines) => "POST /v1/messages HTTP/1.1\r\nHost: a\r\n" + Lines(lines) + "\r\n";

    /// <summary>A GET of this target.</summary>
    public static string Target(string target) => "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";

    /// <summary>A response with this status line and these field lines.</summary>
    public static string Response(string statusLine, params string[] lines) => statusLine + "\r\n" + Lines(lines) + "\r\n";

    private static string Lines(string[] lines) => string.Concat(lines.Select(line => line + "\r\n"));
}
