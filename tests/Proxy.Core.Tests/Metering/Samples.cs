using System.Text;

namespace Proxy.Core.Tests.Metering;

/// <summary>Bodies shared by the metering tests.</summary>
internal static class Samples
{
    public const string Stream = """
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_01ABC","type":"message","role":"assistant","model":"claude-opus-5-20260601","content":[],"stop_reason":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":700,"cache_read_input_tokens":90000,"cache_creation":{"ephemeral_5m_input_tokens":500,"ephemeral_1h_input_tokens":200},"output_tokens":1,"service_tier":"standard","inference_geo":"us","speed":"fast"}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: ping
        data: {"type": "ping"}

        : keep-alive comment

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello \"usage\":{\"output_tokens\":999} \u00e9"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":[1,2"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":25,"cache_creation_input_tokens":null,"cache_read_input_tokens":90001,"output_tokens":321,"output_tokens_details":{"thinking_tokens":100},"server_tool_use":{"web_search_requests":2,"web_fetch_requests":3}}}

        event: message_stop
        data: {"type":"message_stop"}


        """;

    public const string Json = """
        {"id":"msg_02XYZ","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{"type":"text","text":"{\"usage\":1} \ud83d\ude00"},{"type":"tool_use","id":"toolu_1","name":"x","input":{"model":"evil","usage":{"output_tokens":7}}}],"stop_reason":"end_turn","usage":{"input_tokens":12,"cache_read_input_tokens":3400,"cache_creation_input_tokens":56,"cache_creation":{"ephemeral_1h_input_tokens":50,"ephemeral_5m_input_tokens":6},"output_tokens":78,"output_tokens_details":{"thinking_tokens":9},"server_tool_use":{"web_search_requests":1,"web_fetch_requests":0},"service_tier":"priority","inference_geo":"global","iterations":[{"type":"message","model":"claude-sonnet-5-5","input_tokens":10,"output_tokens":70,"cache_creation_input_tokens":56,"cache_creation":{"ephemeral_5m_input_tokens":6,"ephemeral_1h_input_tokens":50},"cache_read_input_tokens":3400},{"type":"compaction","input_tokens":500,"output_tokens":20},{"type":"advisor_message","model":"claude-opus-5","input_tokens":2,"output_tokens":8}]}}
        """;

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
