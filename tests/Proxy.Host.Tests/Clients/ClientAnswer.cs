using System.Text.Json;

namespace Proxy.Host.Tests.Clients;

/// <summary>One message as its client understood it.</summary>
internal sealed record ClientAnswer(string RequestId, long InputTokens, long CacheReadInputTokens, long CacheCreationInputTokens, long OutputTokens)
{
    /// <summary>From a usage object in the API's spelling.</summary>
    public static ClientAnswer Of(string requestId, JsonElement usage) => new(
        requestId,
        usage.GetProperty("input_tokens").GetInt64(),
        usage.GetProperty("cache_read_input_tokens").GetInt64(),
        usage.GetProperty("cache_creation_input_tokens").GetInt64(),
        usage.GetProperty("output_tokens").GetInt64());
}
