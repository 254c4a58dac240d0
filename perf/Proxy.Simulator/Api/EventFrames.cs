using System.Text;
using System.Text.Json;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Usage;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>A message as the stream of events that Claude sends.</summary>
internal sealed class EventFrames(MessageShape shape, SimScript script)
{
    private readonly List<Frame> _frames = new(shape.Text.Length + 16);
    private int _block;

    public static List<Frame> Create(MessageShape shape, SimScript script)
    {
        EventFrames events = new(shape, script);
        events.Build();
        return events._frames;
    }

    private void Build()
    {
        SimUsage start = shape.Usage.AtStart(shape.DeltaUsage == SimDeltaUsage.Full);
        Add("message_start", json => MessageStart(json, start), start);
        if (script.Thinking > 0)
        {
            ThinkingBlock();
        }

        TextBlock();
        if (shape.ToolName is not null)
        {
            ToolBlock();
        }

        for (int step = 1; step <= script.MessageDeltas; step++)
        {
            SimUsage usage = shape.Usage.AtDelta(step, script.MessageDeltas);
            bool last = step == script.MessageDeltas;
            Add("message_delta", json =>
            {
                json.WriteStartObject("delta"u8);
                json.WriteString("stop_reason"u8, last ? shape.StopReason : null);
                json.WriteNull("stop_sequence"u8);
                json.WriteEndObject();
                json.WritePropertyName("usage"u8);
                SimUsageWriter.WriteDelta(json, usage, shape.DeltaUsage);
            }, usage with
            {
                CacheCreationInputTokens =
                    shape.DeltaUsage == SimDeltaUsage.Full ? usage.CacheCreationInputTokens : start.CacheCreationInputTokens,
            });
        }

        Add("message_stop", static _ => { });
    }

    private void MessageStart(Utf8JsonWriter json, SimUsage usage)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("model"u8, shape.Model);
        json.WriteString("id"u8, shape.MessageId);
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteStartArray("content"u8);
        json.WriteEndArray();
        json.WriteNull("stop_reason"u8);
        json.WriteNull("stop_sequence"u8);
        json.WritePropertyName("usage"u8);
        SimUsageWriter.WriteMessage(json, usage, final: false);
        json.WriteEndObject();
    }

    private void TextBlock()
    {
        Begin(static json =>
        {
            json.WriteString("type"u8, "text"u8);
            json.WriteString("text"u8, ""u8);
        });
        int pieces = shape.Text.Length;
        // Pings, comments and unknown events are spread over the text: the i-th of n comes before the delta at i/n of the way.
        (int pings, int comments, int unknown) = (0, 0, 0);
        for (int i = 0; i <= pieces; i++)
        {
            for (; comments < script.Comments && (long)comments * pieces / script.Comments <= i; comments++)
            {
                _frames.Add(new Frame(Encoding.ASCII.GetBytes($": comment {comments + 1} event: message_delta\n\n")));
            }

            for (; pings < script.Pings && (long)pings * pieces / script.Pings <= i; pings++)
            {
                Add("ping", static _ => { });
            }

            for (; unknown < script.Unknown && (long)unknown * pieces / script.Unknown <= i; unknown++)
            {
                Add("simulated_novelty", static json =>
                {
                    json.WriteStartObject("usage"u8);
                    json.WriteNumber("output_tokens"u8, 999_999);
                    json.WriteEndObject();
                });
            }

            if (i < pieces)
            {
                Delta("text_delta", "text", shape.Text[i], i == pieces / 2 ? script.PauseMs : 0, Encoding.UTF8.GetByteCount(shape.Text[i]));
            }
        }

        End();
    }

    private void ThinkingBlock()
    {
        Begin(static json =>
        {
            json.WriteString("type"u8, "thinking"u8);
            json.WriteString("thinking"u8, ""u8);
            json.WriteString("signature"u8, ""u8);
        });
        for (int i = 0; i < script.Thinking; i++)
        {
            Delta("thinking_delta", "thinking", "Let me think about “it” — hm… ", 0, 0);
        }

        Delta("signature_delta", "signature", "c2ltdWxhdGVk", 0, 0);
        End();
    }

    private void ToolBlock()
    {
        Begin(json =>
        {
            json.WriteString("type"u8, "tool_use"u8);
            json.WriteString("id"u8, string.Concat("toolu_", shape.MessageId.AsSpan(4)));
            json.WriteString("name"u8, shape.ToolName);
            json.WriteStartObject("input"u8);
            json.WriteEndObject();
            json.WriteStartObject("caller"u8);
            json.WriteString("type"u8, "direct"u8);
            json.WriteEndObject();
        });
        Delta("input_json_delta", "partial_json", "", 0, 0);
        string input = shape.ToolInput!;
        for (int at = 0; at < input.Length; at += 12)
        {
            Delta("input_json_delta", "partial_json", input.Substring(at, Math.Min(12, input.Length - at)), 0, 0);
        }

        End();
    }

    private void Begin(Action<Utf8JsonWriter> block) => Add("content_block_start", json =>
    {
        json.WriteNumber("index"u8, _block);
        json.WriteStartObject("content_block"u8);
        block(json);
        json.WriteEndObject();
    });

    private void Delta(string type, string member, string text, int pauseMs, int textBytes)
    {
        byte[] bytes = JsonBytes.Event("content_block_delta", json =>
        {
            json.WriteNumber("index"u8, _block);
            json.WriteStartObject("delta"u8);
            json.WriteString("type"u8, type);
            json.WriteString(member, text);
            json.WriteEndObject();
        });
        _frames.Add(new Frame(bytes) { TextBytes = textBytes, IsDelta = true, DelayMs = script.PaceMs + pauseMs });
    }

    private void End()
    {
        int index = _block++;
        Add("content_block_stop", json => json.WriteNumber("index"u8, index));
    }

    private void Add(string name, Action<Utf8JsonWriter> write, SimUsage? usage = null) =>
        _frames.Add(new Frame(JsonBytes.Event(name, write)) { Usage = usage });
}
