using Proxy.Core.Identity;

namespace Proxy.Host.Composition;

/// <summary>The words of <c>workspace_access</c>.</summary>
internal static class WorkspaceNames
{
    public const string All = "files, batches, skills, agents, sessions, other, all, unmetered";

    public static bool TryParse(string word, out WorkspaceAccess access)
    {
        access = word switch
        {
            "files" => WorkspaceAccess.Files,
            "batches" => WorkspaceAccess.Batches,
            "skills" => WorkspaceAccess.Skills,
            "agents" => WorkspaceAccess.Agents,
            "sessions" => WorkspaceAccess.Sessions,
            "other" => WorkspaceAccess.Other,
            "all" => WorkspaceAccess.All,
            "unmetered" => WorkspaceAccess.Unmetered,
            _ => WorkspaceAccess.None,
        };
        return access != WorkspaceAccess.None;
    }
}
