using Proxy.Simulator.Scripting;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>Scripted answers of <c>POST /v1/messages</c>.</summary>
internal static class MessagesEndpoint
{
    public static ResponsePlan Answer(RequestFacts facts, SimScript script, string requestId)
    {
        MessageShape shape = MessageShape.Create(script, facts, requestId);
        List<Frame> frames = facts.Stream ? EventFrames.Create(shape, script) : DocumentFrames.Create(shape);
        string? errorType = null;
        if (facts.Stream && script.ErrorEventAfter is int after && after < frames.Count)
        {
            errorType = "overloaded_error";
            frames.RemoveRange(after, frames.Count - after);
            frames.Add(new Frame(JsonBytes.Event("error", json => Plans.ErrorMembers(json, errorType, "Overloaded", requestId))));
        }

        ApplyHold(frames, script);
        return new ResponsePlan
        {
            ContentType = facts.Stream ? "text/event-stream; charset=utf-8" : "application/json",
            Fields = facts.Stream ? [new("cache-control", "no-cache")] : [],
            Streamed = facts.Stream,
            Model = shape.Model,
            ErrorType = errorType,
            Frames = frames,
        };
    }

    private static void ApplyHold(List<Frame> frames, SimScript script)
    {
        if (script.Hold is not null)
        {
            int index = script.HoldBefore > 0 ? script.HoldBefore - 1 : frames.FindIndex(frame => frame.IsDelta);
            index = Math.Clamp(index, 0, frames.Count - 1);
            frames[index] = frames[index] with { Hold = script.Hold };
        }
    }
}
