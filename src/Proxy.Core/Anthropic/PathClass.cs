namespace Proxy.Core.Anthropic;

/// <summary>What kind of work a request asks for, judged by method and path below the route's prefix.</summary>
public enum PathClass : byte
{
    Other = 0,
    Messages,
    CountTokens,
    Batches,
    BatchResults,
    Models,
    Files,

    /// <summary>POST of a new batch; the other work on batches is <see cref="Batches"/>.</summary>
    BatchCreation,
    Skills,
    Agents,
    Sessions,

    /// <summary>Other things that belong to the workspace behind a key: environments, vaults, memory stores, the organization.</summary>
    Workspace,

    /// <summary><c>/v1/chat/completions</c>, the API's endpoint in the shape of OpenAI's.</summary>
    ChatCompletions,

    /// <summary><c>/v1/complete</c>, which came before messages. Its answers say nothing of usage.</summary>
    Completions,
}
