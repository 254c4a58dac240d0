using Proxy.Host.Cli;
using Proxy.Host.Configuration;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.Cli;

/// <summary>Runs commands as the executable would, over a ledger of its own.</summary>
internal sealed class CliFixture : IDisposable
{
    private readonly TempDirectory _directory = new();

    public CliFixture() => ConfigurationFile = _directory.Write("tollway.json", $$"""{ "stateDirectory": "{{_directory.Root}}", "listen": ["http://127.0.0.1:0"] }""");

    public string ConfigurationFile { get; }

    public string Root => _directory.Root;

    public ConfigurationSource Source => new(ConfigurationFile, new Dictionary<string, string>());

    public async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        using StringWriter output = new();
        using StringWriter errors = new();
        int code = await TollwayCommand.RunAsync(args, _ => Source, output, errors);
        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>A command that must succeed.</summary>
    public async Task<string> DoAsync(params string[] args)
    {
        (int code, string output, string errors) = await RunAsync(args);
        Assert.True(code == 0, $"{string.Join(' ', args)}: {code} {errors}");
        return output;
    }

    public void Dispose() => _directory.Dispose();
}
