using Proxy.Core.Anthropic;

namespace Proxy.Fuzz.Targets;

/// <summary>A chat completion, document or stream, is booked alike however it arrives.</summary>
internal static class ChatTarget
{
    public static void Run(ReadOnlySpan<byte> input) => Metering.AssertSame(input, "application/json"u8, PathClass.ChatCompletions);
}
