using Proxy.Core.Identity;
using Proxy.Core.Spend;

namespace Proxy.Host.Storage;

/// <summary>A record that a batch really added to the ledger, and the key it was booked to: for a line of batch results the one that made the batch.</summary>
internal readonly record struct BookedRecord(SpendRecord Record, string? KeyHash, CredentialKind Credential);
