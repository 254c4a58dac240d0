using Proxy.Core.Metering;

namespace Proxy.Core.Identity;

internal static class WorkspaceFence
{
    /// <summary>What access a kind of work needs behind a shared key.</summary>
    public static WorkspaceAccess NeededFor(PathClass path) => path switch
    {
        PathClass.Files => WorkspaceAccess.Files,
        PathClass.Batches or PathClass.BatchCreation or PathClass.BatchResults => WorkspaceAccess.Batches,
        PathClass.Skills => WorkspaceAccess.Skills,
        PathClass.Agents => WorkspaceAccess.Agents,
        PathClass.Sessions => WorkspaceAccess.Sessions,
        PathClass.Workspace => WorkspaceAccess.Other,
        _ => WorkspaceAccess.None,
    };
}
