namespace Proxy.Fuzz.Targets;

/// <summary>A JSON answer is booked alike however it arrives.</summary>
internal static class JsonTarget
{
    public static void Run(ReadOnlySpan<byte> input) => Metering.AssertSame(input, "application/json"u8);
}
