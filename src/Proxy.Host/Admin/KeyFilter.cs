using Proxy.Host.Storage;

namespace Proxy.Host.Admin;

/// <summary>Which keys a list shows, and which page of them.</summary>
internal sealed record KeyFilter(int Page, int Size, string? UserId, string? TeamId, string? Alias, bool FullObjects)
{
    public bool Matches(KeyRow row) =>
        (UserId is null || row.UserId == UserId) && (TeamId is null || row.TeamId == TeamId) && (Alias is null || row.Alias == Alias);
}
