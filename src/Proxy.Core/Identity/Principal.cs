using System.Text;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;

namespace Proxy.Core.Identity;

/// <summary>What the holder of a virtual key may do. Immutable; shared by all requests of the key until the snapshot is replaced.</summary>
public sealed class Principal
{
    private readonly AdmissionScope[] _scopes = [];
    private readonly ModelScope[] _modelScopes = [];

    /// <summary>Who it is.</summary>
    public required KeyIdentity Key { get; init; }

    public bool IsBlocked { get; init; }

    public bool IsTeamBlocked { get; init; }

    public bool IsUserBlocked { get; init; }

    /// <summary>Unix milliseconds; null for never.</summary>
    public long? ExpiresAtUnixMs { get; init; }

    /// <summary>The models of the key; null for all.</summary>
    public ModelAllowList? Models { get; init; }

    /// <summary>The models of the key's team; null for all.</summary>
    public ModelAllowList? TeamModels { get; init; }

    public WorkspaceAccess Workspace { get; init; }

    /// <summary>
    /// What counts and limits its requests: the key's own scope, its team's, its user's. At most 5; the same objects for all principals
    /// that share them.
    /// </summary>
    public IReadOnlyList<AdmissionScope> Scopes
    {
        get => _scopes;
        init => _scopes = [.. value];
    }

    /// <summary>What counts and limits its requests for one model each.</summary>
    public IReadOnlyList<ModelScope> ModelScopes
    {
        get => _modelScopes;
        init => _modelScopes = [.. value];
    }

    internal ReadOnlySpan<AdmissionScope> ScopeSpan => _scopes;

    /// <summary>
    /// The scope of a model; null when the key has no limits of its own for it. An entry without a date covers dated snapshots.
    /// </summary>
    public AdmissionScope? ScopeOfModel(ReadOnlySpan<byte> model)
    {
        model = ModelName.WithoutSize(model);
        foreach (ModelScope entry in _modelScopes)
        {
            if (entry.Matches(model))
            {
                return entry.Scope;
            }
        }

        return null;
    }

    /// <summary>
    /// Which model it asks for decides whether it may pass, so that the body of each request has to be read before it may go.
    /// </summary>
    public bool IsGuarded => Models is not null || TeamModels is not null || _modelScopes.Length > 0;

    public bool AllowsModel(ReadOnlySpan<byte> model) =>
        (Models is null || Models.Allows(model)) && (TeamModels is null || TeamModels.Allows(model));
}

/// <summary>Limits of a key for one model.</summary>
public sealed class ModelScope(string model, AdmissionScope scope)
{
    private readonly byte[] _name = ModelName.WithoutSize(Encoding.UTF8.GetBytes(model)).ToArray();

    public string Model => model;

    public AdmissionScope Scope => scope;

    internal bool Matches(ReadOnlySpan<byte> asked) => asked.SequenceEqual(_name) || ModelName.WithoutDate(asked).SequenceEqual(_name);
}
