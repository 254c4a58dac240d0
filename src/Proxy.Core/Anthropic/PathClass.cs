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

/// <summary>What follows from a <see cref="PathClass"/>.</summary>
public static class PathClasses
{
    /// <summary>Its answer is inference, and costs money at once.</summary>
    public static bool IsInference(this PathClass path) => path is PathClass.Messages or PathClass.ChatCompletions or PathClass.Completions;

    /// <summary>Its body names the model that it is about; a batch's, one an item.</summary>
    public static bool NamesModel(this PathClass path) => path.IsInference() || path is PathClass.CountTokens or PathClass.BatchCreation;
}
