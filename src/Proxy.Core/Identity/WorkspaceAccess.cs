namespace Proxy.Core.Identity;

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
    All = Files | Batches | Skills | Agents | Sessions | Other,
}
