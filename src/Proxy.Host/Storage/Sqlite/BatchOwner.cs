using Proxy.Core.Identity;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>The key that made a batch, and who paid for it.</summary>
internal sealed record BatchOwner(KeyIdentity Key, CredentialKind Credential);
