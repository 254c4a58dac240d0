namespace Proxy.Fuzz.Targets;

/// <summary>An event stream is booked alike however it arrives.</summary>
internal static class SseTarget
{
    public static void Run(ReadOnlySpan<byte> input) => Metering.AssertSame(input, "text/event-stream"u8);
}
