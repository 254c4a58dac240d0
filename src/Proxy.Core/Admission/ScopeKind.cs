namespace Proxy.Core.Admission;

/// <summary>Whose requests a scope counts.</summary>
public enum ScopeKind : byte
{
    Key,
    Team,
    User,

    /// <summary>A user within a team.</summary>
    Member,

    /// <summary>A key's requests for one model.</summary>
    KeyModel,
}
