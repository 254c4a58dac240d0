namespace Proxy.Host.Configuration;

/// <summary>The configuration cannot be used. Every problem names its key and what to do; none repeats a secret.</summary>
internal sealed class ConfigurationException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
