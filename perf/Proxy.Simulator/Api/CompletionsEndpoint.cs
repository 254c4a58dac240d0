using System.Text.Json;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Usage;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>Answers of <c>POST /v1/chat/completions</c> in the shape of OpenAI's, and of <c>POST /v1/complete</c>, which say nothing of usage.</summary>
internal static class CompletionsEndpoint
{
    public static ResponsePlan Chat(byte[] body, RequestFacts facts, SimScript script, string requestId)
    {
        MessageShape shape = MessageShape.Create(script, facts with { ToolName = null, ToolInput = null }, requestId);

        // This shape has no cache writes: they are input like any other.
        SimUsage usage = new()
        {
            InputTokens = shape.Usage.InputTokens + shape.Usage.CacheCreationInputTokens,
            CacheReadInputTokens = shape.Usage.CacheReadInputTokens,
            OutputTokens = shape.Usage.OutputTokens,
            ThinkingTokens = shape.Usage.ThinkingTokens,
        };
        List<Frame> frames = facts.Stream ? ChatEvents(shape, usage, IncludesUsage(body)) : [ChatDocument(shape, usage)];
        return Plan("chat_completions", facts.Stream, shape, frames);
    }

    public static ResponsePlan Complete(RequestFacts facts, SimScript script, string requestId)
    {
        MessageShape shape = MessageShape.Create(script, facts with { ToolName = null, ToolInput = null }, requestId);
        string[] pieces = facts.Stream ? shape.Text : [string.Concat(shape.Text)];
        List<Frame> frames = [];
        for (int i = 0; i < pieces.Length; i++)
        {
            string? stopReason = i == pieces.Length - 1 ? "stop_sequence" : null;
            string piece = pieces[i];
            void Write(Utf8JsonWriter json)
            {
                json.WriteStartObject();
                json.WriteString("type"u8, "completion"u8);
                json.WriteString("id"u8, shape.MessageId);
                json.WriteString("completion"u8, piece);
                json.WriteString("stop_reason"u8, stopReason);
                json.WriteString("model"u8, shape.Model);
                json.WriteEndObject();
            }

            frames.Add(TextFrame(facts.Stream ? [.. "event: completion\ndata: "u8, .. JsonBytes.Write(Write), .. "\n\n"u8] : JsonBytes.Write(Write), piece));
        }

        return Plan("complete", facts.Stream, shape, frames);
    }

    private static ResponsePlan Plan(string kind, bool isStream, MessageShape shape, List<Frame> frames) => new()
    {
        Kind = kind,
        ContentType = isStream ? "text/event-stream; charset=utf-8" : "application/json",
        Streamed = isStream,
        Model = shape.Model,
        Frames = frames,
    };

    private static Frame TextFrame(byte[] bytes, string text) => new(bytes) { TextBytes = System.Text.Encoding.UTF8.GetByteCount(text), IsDelta = true };

    private static List<Frame> ChatEvents(MessageShape shape, SimUsage usage, bool includesUsage)
    {
        List<Frame> frames = [Event(json => WriteChunk(json, shape, "", null))];
        foreach (string piece in shape.Text)
        {
            byte[] bytes = Event(json => WriteChunk(json, shape, piece, null)).Bytes.ToArray();
            frames.Add(TextFrame(bytes, piece));
        }

        frames.Add(Event(json => WriteChunk(json, shape, null, "stop")));
        if (includesUsage)
        {
            frames.Add(Event(json => WriteLast(json, shape, usage)) with { Usage = usage });
        }

        frames.Add(new Frame("data: [DONE]\n\n"u8.ToArray()));
        return frames;
    }

    private static Frame Event(Action<Utf8JsonWriter> write) => new((byte[])[.. "data: "u8, .. JsonBytes.Write(write), .. "\n\n"u8]);

    private static void WriteLast(Utf8JsonWriter json, MessageShape shape, SimUsage usage)
    {
        WriteHead(json, shape, "chat.completion.chunk");
        json.WriteStartArray("choices"u8);
        json.WriteEndArray();
        WriteUsage(json, usage);
        json.WriteEndObject();
    }

    private static void WriteChunk(Utf8JsonWriter json, MessageShape shape, string? text, string? finishReason)
    {
        WriteHead(json, shape, "chat.completion.chunk");
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("delta"u8);
        if (text is not null)
        {
            json.WriteString("content"u8, text);
        }

        json.WriteEndObject();
        json.WriteString("finish_reason"u8, finishReason);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteNull("usage"u8);
        json.WriteEndObject();
    }

    private static Frame ChatDocument(MessageShape shape, SimUsage usage)
    {
        string text = string.Concat(shape.Text);
        byte[] document = JsonBytes.Write(json =>
        {
            WriteHead(json, shape, "chat.completion");
            json.WriteStartArray("choices"u8);
            json.WriteStartObject();
            json.WriteNumber("index"u8, 0);
            json.WriteStartObject("message"u8);
            json.WriteString("role"u8, "assistant"u8);
            json.WriteString("content"u8, text);
            json.WriteEndObject();
            json.WriteString("finish_reason"u8, "stop"u8);
            json.WriteEndObject();
            json.WriteEndArray();
            WriteUsage(json, usage);
            json.WriteEndObject();
        });
        return TextFrame(document, text) with { Usage = usage };
    }

    private static void WriteHead(Utf8JsonWriter json, MessageShape shape, string kind)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, shape.MessageId);
        json.WriteString("object"u8, kind);
        json.WriteNumber("created"u8, 1_780_000_000);
        json.WriteString("model"u8, shape.Model);
    }

    private static void WriteUsage(Utf8JsonWriter json, SimUsage usage)
    {
        long prompt = usage.InputTokens + usage.CacheReadInputTokens;
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, prompt);
        json.WriteNumber("completion_tokens"u8, usage.OutputTokens);
        json.WriteNumber("total_tokens"u8, prompt + usage.OutputTokens);
        json.WriteStartObject("prompt_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, usage.CacheReadInputTokens);
        json.WriteEndObject();
        json.WriteStartObject("completion_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.ThinkingTokens ?? 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static bool IncludesUsage(byte[] body)
    {
        using JsonDocument document = JsonDocument.Parse(body);
        return document.RootElement.TryGetProperty("stream_options"u8, out JsonElement options) && options.ValueKind == JsonValueKind.Object
            && options.TryGetProperty("include_usage"u8, out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
    }
}
