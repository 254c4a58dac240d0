using System.Globalization;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Forwarding.Answers;

/// <summary>
/// Writes the gateway's own answers: health, the start-up warm-up of Claude Code, refusals in the Anthropic error shape. Allocates nothing.
/// </summary>
internal static class LocalAnswers
{
    /// <summary>No answer of ours is longer.</summary>
    public const int MaxLength = 1536;

    /// <summary>Length of <c>req_</c> and the 32 hexadecimal digits of the exchange's id.</summary>
    public const int RequestIdLength = 36;

    /// <summary>Probes of load balancers and of LiteLLM's users; on the data port, without a key.</summary>
    public static bool IsHealthPath(ReadOnlySpan<byte> path, out bool readiness)
    {
        readiness = path.SequenceEqual("/health/readiness"u8);
        return readiness || path.SequenceEqual("/health/liveliness"u8) || path.SequenceEqual("/health/liveness"u8);
    }

    /// <summary>Claude Code's connection warm-up (anthropic-api.md §1): any cheap answer will do.</summary>
    public static bool IsWarmUp(MethodId method, ReadOnlySpan<byte> pathBelowPrefix) =>
        method == MethodId.Head
            && (pathBelowPrefix.IsEmpty || pathBelowPrefix.SequenceEqual("/"u8) || pathBelowPrefix.SequenceEqual("/api/hello"u8));

    public static int WriteHealth(Span<byte> destination, bool readiness, bool ledgerConnected, in AnswerContext context)
    {
        ReadOnlySpan<byte> body = !readiness
            ? "\"I'm alive!\""u8
            : ledgerConnected
                ? """{"status":"connected","db":"connected","cache":null,"litellm_version":"tollway","success_callbacks":[]}"""u8
                : """{"status":"unhealthy","db":"Not connected","cache":null,"litellm_version":"tollway","success_callbacks":[]}"""u8;
        SpanWriter writer = new(destination);
        WriteHead(ref writer, new Answer(readiness && !ledgerConnected ? 503 : 200, ""), body.Length, context);
        writer.Write("\r\n"u8);
        if (!context.HeadOnly)
        {
            writer.Write(body);
        }

        return writer.Result;
    }

    public static int WriteEmpty(Span<byte> destination, in AnswerContext context)
    {
        SpanWriter writer = new(destination);
        WriteHead(ref writer, new Answer(200, ""), 0, context);
        writer.Write("\r\n"u8);
        return writer.Result;
    }

    public static int WriteRefusal(Span<byte> destination, in Answer answer, in AnswerContext context)
    {
        Span<byte> requestId = stackalloc byte[RequestIdLength];
        FormatRequestId(context.Id, requestId);

        Span<byte> body = stackalloc byte[512];
        SpanWriter json = new(body);
        json.Write("{\"type\":\"error\",\"error\":{\"type\":\""u8);
        json.WriteAscii(answer.Type);
        json.Write("\",\"message\":\""u8);
        json.WriteAscii(answer.Message);
        if (answer.Period is { } period)
        {
            json.Write(" ("u8);
            json.WriteAscii(period);
            json.Write("; "u8);
            WriteReset(ref json, answer.ResetsAtUnixMs);
            json.Write(")"u8);
        }

        json.Write("\"},\"request_id\":\""u8);
        json.Write(requestId);
        json.Write("\"}"u8);

        SpanWriter writer = new(destination);
        WriteHead(ref writer, answer, json.Written.Length, context);
        writer.Write("request-id: "u8);
        writer.Write(requestId);
        writer.Write("\r\nx-should-retry: "u8);
        writer.Write(answer.ShouldRetry ? "true\r\n"u8 : "false\r\n"u8);
        if (answer.RetryAfterSeconds > 0)
        {
            writer.Write("retry-after: "u8);
            writer.Write(answer.RetryAfterSeconds);
            writer.Write("\r\n"u8);
        }

        if (answer.Status is 405)
        {
            writer.Write("allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"u8);
        }

        writer.Write("\r\n"u8);
        if (!context.HeadOnly)
        {
            writer.Write(json.Written);
        }

        return writer.Result;
    }

    public static void FormatRequestId(Guid id, Span<byte> destination)
    {
        "req_"u8.CopyTo(destination);
        _ = id.TryFormat(destination[4..], out _, "N");
    }

    private static void WriteReset(ref SpanWriter json, long unixMs)
    {
        if (unixMs == long.MaxValue)
        {
            json.Write("does not reset"u8);
            return;
        }

        json.Write("resets "u8);
        Span<byte> minute = stackalloc byte[16];
        _ = DateTimeOffset.FromUnixTimeMilliseconds(
            unixMs).TryFormat(minute, out int length, "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        json.Write(minute[..length]);
        json.Write(" UTC"u8);
    }

    private static void WriteHead(ref SpanWriter writer, in Answer answer, int bodyLength, in AnswerContext context)
    {
        writer.Write("HTTP/1.1 "u8);
        writer.Write(answer.Status);
        writer.Write(" "u8);
        writer.WriteAscii(answer.Reason);
        writer.Write("\r\ndate: "u8);
        writer.Write(context.Date);
        writer.Write("\r\ncontent-type: application/json\r\ncontent-length: "u8);
        writer.Write(bodyLength);
        writer.Write("\r\n"u8);
        if (context.Close)
        {
            writer.Write("connection: close\r\n"u8);
        }
    }
}

/// <summary>What an answer of the gateway's own needs to know of the exchange it ends.</summary>
internal readonly ref struct AnswerContext
{
    /// <summary>The exchange's id: the client's request-id, the ledger's key and the log's are the same.</summary>
    public required Guid Id { get; init; }

    public required ReadOnlySpan<byte> Date { get; init; }

    /// <summary>The connection ends after this answer.</summary>
    public required bool Close { get; init; }

    /// <summary>The request was HEAD: no body (RFC 9110 §9.3.2).</summary>
    public required bool HeadOnly { get; init; }
}
