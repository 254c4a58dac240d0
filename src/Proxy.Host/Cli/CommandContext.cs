using Proxy.Host.Configuration;

namespace Proxy.Host.Cli;

/// <summary>What a command works with: where to write, and the configuration that says where the service is.</summary>
internal sealed record CommandContext(ConfigurationSource Source, TextWriter Output, TextWriter Errors);
