using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using Proxy.Simulator.Usage;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>A message as one JSON document, in pieces so that a cut document can be accounted for.</summary>
internal static class DocumentFrames
{
    public static List<Frame> Create(MessageShape shape)
    {
        List<Frame> frames = new(shape.Text.Length + 3);
        byte[] head = JsonBytes.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("model"u8, shape.Model);
            json.WriteString("id"u8, shape.MessageId);
            json.WriteString("type"u8, "message"u8);
            json.WriteString("role"u8, "assistant"u8);
        });
        frames.Add(new Frame(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(head) + ",\"content\":[{\"type\":\"text\",\"text\":\"")));
        foreach (string piece in shape.Text)
        {
            byte[] escaped = Encoding.UTF8.GetBytes(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(piece));
            frames.Add(new Frame(escaped) { TextBytes = Encoding.UTF8.GetByteCount(piece), IsDelta = true });
        }

        string tool = shape.ToolName is null
            ? ""
            : $",{{\"type\":\"tool_use\",\"id\":\"toolu_{shape.MessageId[4..]}\",\"name\":{Quote(shape.ToolName)},"
                + $"\"input\":{shape.ToolInput},"
                + "\"caller\":{\"type\":\"direct\"}}";
        string stop = $"\"}}{tool}],\"stop_reason\":{Quote(shape.StopReason)},\"stop_sequence\":null,";
        frames.Add(new Frame(Encoding.UTF8.GetBytes(stop)));
        byte[] usage = JsonBytes.Write(json => SimUsageWriter.WriteMessage(json, shape.Usage, final: true));
        ArrayBufferWriter<byte> tail = new();
        tail.Write("\"usage\":"u8);
        tail.Write(usage);
        frames.Add(new Frame(tail.WrittenMemory) { Usage = shape.Usage });
        frames.Add(new Frame("}"u8.ToArray()));
        return frames;
    }

    private static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";
}
