using Proxy.Simulator.Scripting;
using Proxy.Simulator.Usage;

namespace Proxy.Simulator.Api;

/// <summary>Everything a message says, before it is put into events or a document.</summary>
internal sealed record MessageShape
{
    public required string MessageId { get; init; }
    public required string Model { get; init; }
    public required SimUsage Usage { get; init; }
    public required SimDeltaUsage DeltaUsage { get; init; }
    public required string[] Text { get; init; }
    public required string StopReason { get; init; }
    public string? ToolName { get; init; }
    public string? ToolInput { get; init; }

    public static MessageShape Create(SimScript script, RequestFacts facts, string requestId)
    {
        string model = script.Model ?? facts.Model ?? "claude-simulated";
        string opening = (script.Nonce is null ? "" : $"nonce {script.Nonce}. ") + (facts.HasToolResult ? AnswerText.ToolDone : "");
        int events = script.Events ?? (script.TextBytes is int given ? Math.Clamp(given / 64, 1, 4096) : 20);
        return new MessageShape
        {
            MessageId = string.Concat("msg_", requestId.AsSpan(4)),
            Model = model,
            Usage = script.Usage ?? (script.Seed is long seed ? SimUsageSeed.Create(seed, model) : SimUsage.Default),
            DeltaUsage = script.DeltaUsage ?? (script.Seed is long style ? SimUsageSeed.Style(style) : SimDeltaUsage.Full),
            Text = AnswerText.Pieces(opening, script.TextBytes ?? events * 20, events),
            StopReason = script.StopReason ?? (facts.ToolName is null ? "end_turn" : "tool_use"),
            ToolName = facts.ToolName,
            ToolInput = facts.ToolInput,
        };
    }
}
