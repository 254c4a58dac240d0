using Proxy.Core.Anthropic;

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

        // Nobody here can tell what it costs.
        PathClass.Other => WorkspaceAccess.Unmetered,
        _ => WorkspaceAccess.None,
    };
}

/// <summary>
/// Which things of the workspace behind the company's key a virtual key may touch. They belong to the workspace, not to a user: behind one
/// shared key everybody could read everybody's (anthropic-api.md §1).
/// </summary>
[Flags]
public enum WorkspaceAccess : byte
{
    None = 0,
    Files = 1,
    Batches = 2,
    Skills = 4,
    Agents = 8,
    Sessions = 16,

    /// <summary>Environments, vaults, memory stores and whatever else lives there.</summary>
    Other = 32,

    /// <summary>Paths that are neither metered nor known to be free: what they cost is nowhere in the ledger. Not part of <see cref="All"/>.</summary>
    Unmetered = 64,
    All = Files | Batches | Skills | Agents | Sessions | Other,
}
