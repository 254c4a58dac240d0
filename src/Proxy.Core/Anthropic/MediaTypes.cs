using System.Text;

namespace Proxy.Core.Anthropic;

/// <summary>Which scanner a Content-Type asks for. Parameters and case do not matter.</summary>
internal static class MediaTypes
{
    public static bool IsEventStream(ReadOnlySpan<byte> contentType) => Is(contentType, "text/event-stream"u8);

    public static bool IsJson(ReadOnlySpan<byte> contentType) => Is(contentType, "application/json"u8);

    private static bool Is(ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> expected)
    {
        int parameters = contentType.IndexOf((byte)';');
        ReadOnlySpan<byte> type = (parameters < 0 ? contentType : contentType[..parameters]).Trim(" \t"u8);
        return Ascii.EqualsIgnoreCase(type, expected);
    }
}
