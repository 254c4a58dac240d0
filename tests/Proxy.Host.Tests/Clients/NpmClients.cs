namespace Proxy.Host.Tests.Clients;

/// <summary>The npm project <c>tests/clients</c>: installed by <c>npm ci --prefix tests/clients</c>, used when TOLLWAY_TEST_CLIENTS is 1.</summary>
internal static class NpmClients
{
    private static readonly string Root = FindRoot();

    /// <summary>Starts Claude Code, without the postinstall that would do so more directly.</summary>
    public static string ClaudeCode => Path.Combine(Root, "node_modules", "@anthropic-ai", "claude-code", "cli-wrapper.cjs");

    /// <summary>The program on the TypeScript SDK.</summary>
    public static string SdkTurn => Path.Combine(Root, "turn.mjs");

    /// <summary>Skips the running test unless these clients were asked for and are there; the path of node.</summary>
    public static string RequireNode()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("TOLLWAY_TEST_CLIENTS") == "1", "opt in with TOLLWAY_TEST_CLIENTS=1");
        Assert.SkipUnless(File.Exists(ClaudeCode), "run `npm ci --prefix tests/clients` first");
        string? node = ClientProcess.Find("node");
        Assert.SkipWhen(node is null, "node is not on PATH");
        return node;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Proxy.sln")))
            {
                return Path.Combine(directory.FullName, "tests", "clients");
            }
        }

        return Path.Combine(AppContext.BaseDirectory, "clients");
    }
}
