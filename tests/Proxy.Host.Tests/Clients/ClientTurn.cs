namespace Proxy.Host.Tests.Clients;

/// <summary>What a client is made to do.</summary>
public enum ClientTurn
{
    /// <summary>One question, one streamed answer.</summary>
    Stream,

    /// <summary>A question that the model answers with a tool call, the tool's run, and the final answer.</summary>
    Tool,
}
