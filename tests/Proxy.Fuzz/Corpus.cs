namespace Proxy.Fuzz;

/// <summary>The inputs that are checked in, beside the program.</summary>
internal static class Corpus
{
    public static IReadOnlyList<byte[]> Read(string target) =>
        [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "corpus", target)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
}
