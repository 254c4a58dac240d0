namespace Proxy.Host.Configuration;

/// <summary>Where configuration comes from: a file (or none), and the environment. Read again at each reload.</summary>
internal sealed class ConfigurationSource
{
    public const string DefaultFile = "/etc/tollway/tollway.json";
    public const string FileVariable = "TOLLWAY_CONFIG";

    /// <param name="file">What <c>--config</c> says; null to look where the environment says, and then at the default place.</param>
    public ConfigurationSource(string? file, IReadOnlyDictionary<string, string> environment)
    {
        Environment = environment;
        string? named = file ?? Variable(FileVariable);
        File = named ?? (System.IO.File.Exists(DefaultFile) ? DefaultFile : null);
    }

    public string? File { get; }

    public IReadOnlyDictionary<string, string> Environment { get; }

    public static ConfigurationSource FromProcess(string? file)
    {
        Dictionary<string, string> environment = new(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return new ConfigurationSource(file, environment);
    }

    /// <summary>Null when it is absent or empty.</summary>
    public string? Variable(string name) => Environment.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

    /// <summary>A secret that systemd hands over (<c>LoadCredential=</c>), without its final line break; null when there is none.</summary>
    public string? Credential(string name)
    {
        string? directory = Variable("CREDENTIALS_DIRECTORY");
        if (directory is null)
        {
            return null;
        }

        string path = Path.Combine(directory, name);
        return System.IO.File.Exists(path) ? System.IO.File.ReadAllText(path).Trim() : null;
    }

    /// <summary>systemd's state directory, else the user's (XDG base directories).</summary>
    public string StateDirectory()
    {
        if (Variable("STATE_DIRECTORY") is { } given)
        {
            // systemd lists several with colons; the first is ours.
            return given.Split(':')[0];
        }

        string? state = Variable("XDG_STATE_HOME");
        if (state is null || !Path.IsPathRooted(state))
        {
            string home = Variable("HOME") ?? System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile);
            state = Path.Combine(home, ".local", "state");
        }

        return Path.Combine(state, "tollway");
    }
}
