using System.Text;

namespace Proxy.Benchmarks.Metering;

/// <summary>Bodies of the metering benchmarks: shaped like what Claude Code sends and gets.</summary>
internal static class MeteringBodies
{
    /// <summary>An answer of 1,000 deltas of a few words each.</summary>
    public static byte[] Stream()
    {
        StringBuilder text = new();
        text.Append("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\","
            + "\"model\":\"claude-opus-5\",\"content\":[],\"usage\":{\"input_tokens\":25,\"cache_creation_input_tokens\":700,"
            + "\"cache_read_input_tokens\":90000,\"output_tokens\":1,\"service_tier\":\"standard\"}}}\n\n");
        for (int i = 0; i < 1000; i++)
        {
            text.Append("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
                + "\"text\":\" some words of text\"}}\n\n");
        }

        text.Append("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
            + "\"usage\":{\"output_tokens\":4000}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>An answer of 16 kB that is not a stream.</summary>
    public static byte[] Answer() => Encoding.UTF8.GetBytes(
        "{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5\",\"content\":[{\"type\":\"text\",\"text\":\""
        + string.Concat(Enumerable.Repeat("A line of an answer, with a \\\"quote\\\".\\n", 400))
        + "\"}],\"usage\":{\"input_tokens\":25,\"output_tokens\":4000}}");

    /// <summary>A request of about 400 kB: a long session with code in it.</summary>
    public static byte[] Request()
    {
        StringBuilder text = new("{\"model\":\"claude-opus-5\",\"messages\":[");
        for (int i = 0; i < 200; i++)
        {
            text.Append(i == 0 ? "" : ",").Append("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"")
                .Insert(text.Length, "    if (value == \\\"x\\\") {\\n        return list[index];\\n    }\\n", 32).Append("\"}]}");
        }

        return Encoding.UTF8.GetBytes(text.Append("],\"max_tokens\":32000,\"stream\":true}").ToString());
    }
}
