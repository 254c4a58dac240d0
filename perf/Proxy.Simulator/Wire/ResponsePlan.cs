namespace Proxy.Simulator.Wire;

/// <summary>An answer before the script decides how it is written.</summary>
internal sealed class ResponsePlan
{
    public int Status { get; init; } = 200;
    public string? ContentType { get; init; }
    public List<KeyValuePair<string, string>> Fields { get; init; } = [];
    public IReadOnlyList<Frame> Frames { get; set; } = [];
    public bool Streamed { get; init; }
    public string Kind { get; init; } = "messages";
    public string? Model { get; init; }
    public string? ErrorType { get; init; }
}
