namespace Proxy.Core.Metering;

/// <summary>
/// Recognises the one line that makes up almost all of a stream, in the one spelling the API writes: a delta of text without escapes. Of
/// such a line only the length of its text matters, and that is known without reading it as JSON. Any other spelling is the JSON reader's.
/// </summary>
internal static class PlainDelta
{
    /// <param name="textLength">Bytes of the text.</param>
    public static bool TryMeasure(ReadOnlySpan<byte> json, out int textLength)
    {
        textLength = 0;
        ReadOnlySpan<byte> start = "{\"type\":\"content_block_delta\",\"index\":"u8;
        ReadOnlySpan<byte> end = "\"}}"u8;
        if (!json.StartsWith(start) || !json.EndsWith(end))
        {
            return false;
        }

        ReadOnlySpan<byte> rest = json[start.Length..];
        int digits = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (digits <= 0)
        {
            return false;
        }

        rest = rest[digits..];
        int text = TextOffset(rest, ",\"delta\":{\"type\":\"text_delta\",\"text\":\""u8);
        text = text > 0 ? text : TextOffset(rest, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\""u8);
        text = text > 0 ? text : TextOffset(rest, ",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\""u8);
        if (text == 0 || rest.Length < text + end.Length)
        {
            return false;
        }

        rest = rest[text..^end.Length];
        textLength = rest.Length;
        return rest.IndexOfAny((byte)'"', (byte)'\\') < 0;
    }

    private static int TextOffset(ReadOnlySpan<byte> rest, ReadOnlySpan<byte> prefix) => rest.StartsWith(prefix) ? prefix.Length : 0;
}
