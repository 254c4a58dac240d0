using System.Text;

namespace Proxy.LoadTests.Client;

/// <summary>
/// The scenarios: what a virtual user sends, and what must be in its answer. The head is like one of Claude Code, in fields and in length: what a
/// proxy spends on it goes by both.
/// </summary>
internal static class RequestBytes
{
    private const int BodyLength = 2048;

    public static IReadOnlyList<string> Scenarios { get; } = ["json", "sse"];

    /// <summary>What the content of a good answer holds.</summary>
    public static string MarkerOf(string scenario) => scenario == "sse" ? "event: message_stop" : "\"usage\"";

    public static byte[] Create(LoadOptions options)
    {
        if (!Scenarios.Contains(options.Scenario))
        {
            throw new LoadException($"--scenario {options.Scenario}: expected one of {string.Join(", ", Scenarios)}");
        }

        string body = Body(stream: options.Scenario == "sse");
        StringBuilder head = new();
        head.Append($"POST {options.Target.AbsolutePath.TrimEnd('/')}/v1/messages?beta=true HTTP/1.1\r\n");
        head.Append($"host: {options.Target.Authority}\r\n");
        head.Append("connection: keep-alive\r\n");
        head.Append("accept: application/json\r\n");
        head.Append("x-stainless-retry-count: 0\r\n");
        head.Append("x-stainless-timeout: 600\r\n");
        head.Append("x-stainless-lang: js\r\n");
        head.Append("x-stainless-package-version: 0.60.0\r\n");
        head.Append("x-stainless-os: Linux\r\n");
        head.Append("x-stainless-arch: x64\r\n");
        head.Append("x-stainless-runtime: node\r\n");
        head.Append("x-stainless-runtime-version: v24.3.0\r\n");
        head.Append("x-app: cli\r\n");
        head.Append("x-claude-code-session-id: 6f1d0f9e-7a55-4c0e-9a55-3b1c5f0f6a11\r\n");
        head.Append("user-agent: claude-cli/2.0.14 (external, cli)\r\n");
        head.Append("anthropic-dangerous-direct-browser-access: true\r\n");
        head.Append("anthropic-version: 2023-06-01\r\n");
        head.Append("anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14\r\n");
        head.Append("content-type: application/json\r\n");
        if (options.GatewayKey is not null)
        {
            head.Append($"x-litellm-api-key: {options.GatewayKey}\r\n");
        }

        if (options.ApiKey is not null)
        {
            head.Append($"x-api-key: {options.ApiKey}\r\n");
        }

        head.Append("accept-language: *\r\n");
        head.Append("sec-fetch-mode: cors\r\n");
        head.Append("accept-encoding: gzip, deflate, br, zstd\r\n");
        head.Append($"content-length: {body.Length}\r\n\r\n");
        return Encoding.ASCII.GetBytes(head.Append(body).ToString());
    }

    private static string Body(bool stream)
    {
        string start = $$"""{"model":"claude-sonnet-5","max_tokens":1024,"stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":" """.TrimEnd();
        const string End = "\"}]}";
        return start + new string('x', BodyLength - start.Length - End.Length) + End;
    }
}
