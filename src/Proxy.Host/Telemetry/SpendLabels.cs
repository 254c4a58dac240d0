using Proxy.Core.Identity;

namespace Proxy.Host.Telemetry;

internal readonly record struct SpendLabels(string Route, string Model, CredentialKind Payer);
