namespace Proxy.Host.Storage;

/// <summary>A user's place in a team.</summary>
internal sealed record MemberRow(string TeamId, string UserId, string Role, long? MaxBudgetNanoUsd);
