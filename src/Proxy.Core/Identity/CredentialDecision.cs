namespace Proxy.Core.Identity;

/// <summary>The outcome of <see cref="CredentialPolicy"/>: either a refusal, or a principal and exactly one credential to send.</summary>
public readonly record struct CredentialDecision
{
    public RefusalReason Refusal { get; init; }

    public Principal? Principal { get; init; }

    public CredentialKind Credential { get; init; }

    public bool ForwardAuthorization => Credential is CredentialKind.OAuth or CredentialKind.Bearer;

    public bool ForwardApiKey => Credential is CredentialKind.Byok;
}
