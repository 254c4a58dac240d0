using Proxy.Host.Cli;
using Proxy.Host.Configuration;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.Host;

public sealed class CommandLineTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(0, "--help")]
    [InlineData(0, "--version")]
    [InlineData(2, "--bogus")]
    [InlineData(2, "bogus")]
    [InlineData(2, "config")]
    [InlineData(2, "--config")]
    [InlineData(2, "serve", "--config", "/nowhere/tollway.json")]
    public async Task Exit_codes_tell_misuse_from_success(int code, params string[] args) => Assert.Equal(code, await TollwayCommand.RunAsync(args));

    [Fact]
    public async Task A_check_lists_every_problem()
    {
        using StringWriter output = new();
        using StringWriter errors = new();
        Assert.Equal(2, await CheckAsync("""{ "a": 1, "b": 2 }""", output, errors));
        Assert.Contains("  a: is not a key", errors.ToString(), StringComparison.Ordinal);
        Assert.Contains("  b: is not a key", errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await CheckAsync("{}", output, errors));
        Assert.StartsWith("ok:", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_reads_the_price_file()
    {
        using StringWriter output = new();
        using StringWriter errors = new();
        string prices = _directory.Write("prices.json", """{ "m": { "input_cost_per_token": "much" } }""");
        Assert.Equal(2, await CheckAsync($$"""{ "prices": { "file": "{{prices}}" } }""", output, errors));
        Assert.Contains("prices.file", errors.ToString(), StringComparison.Ordinal);
    }

    private Task<int> CheckAsync(string json, TextWriter output, TextWriter errors) =>
        ConfigCheckCommand.RunAsync(new ConfigurationSource(_directory.Write("tollway.json", json), new Dictionary<string, string>()), output, errors);
}
