using Proxy.Fuzz.Targets;

namespace Proxy.Fuzz;

/// <summary>What a target does with one input: nothing but throw when something that must hold does not.</summary>
internal delegate void FuzzAction(ReadOnlySpan<byte> input);

/// <summary>A parser under fire. Its corpus is the folder of its name.</summary>
internal sealed record FuzzTarget(string Name, FuzzAction Run)
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("request-head", RequestHeadTarget.Run),
        new("response-head", ResponseHeadTarget.Run),
        new("chunks", ChunkTarget.Run),
        new("sse", SseTarget.Run),
        new("json", JsonTarget.Run),
        new("chat", ChatTarget.Run),
        new("request-model", RequestModelTarget.Run),
        new("target", RequestTargetTarget.Run),
    ];
}
