namespace Proxy.Host.Tests.Storage;

/// <summary>What one key used; the key is null for requests without an accepted one.</summary>
internal sealed record KeyTotals(string? KeyHash, long Requests, long InputTokens, long CacheReadInputTokens, long CacheCreationInputTokens, long OutputTokens, long CostNanoUsd);
