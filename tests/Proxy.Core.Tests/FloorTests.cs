using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Proxy.Core.Tests;

/// <summary>The folders of Core are floors: a lower one never names a higher one, so there is no circle.</summary>
public sealed partial class FloorTests
{
    /// <summary>From the ground up.</summary>
    private static readonly string[] Floors =
    [
        "Outcomes", "Http1", "Admission", "Anthropic", "Identity", "Upstream", "Upstream.Managed", "Routing", "Spend", "Spend.Journal",
        "Metering.Json", "Metering", "Pricing", "Diagnostics", "Forwarding.Answers", "Forwarding",
    ];

    private static readonly IReadOnlyList<CoreFile> Files = [.. ReadFiles()];

    [Fact]
    public void Every_folder_is_a_floor_and_every_floor_a_folder() =>
        Assert.Equal(Floors.Order(StringComparer.Ordinal), Files.Select(file => file.Floor).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Namespaces_are_folders() =>
        Assert.All(Files, file => Assert.Equal(file.Floor, Path.GetDirectoryName(file.Path)!.Replace(Path.DirectorySeparatorChar, '.')));

    [Fact]
    public void A_lower_floor_never_names_a_higher_one() =>
        Assert.Empty(Files.SelectMany(file => file.Names.Where(name => HeightOf(name) > HeightOf(file.Floor)).Select(name => $"{file.Path} names {name}")));

    [Fact]
    public void An_inner_floor_below_its_outer_one_does_not_name_its_types_either()
    {
        // A nested namespace sees the outer one without a using line.
        IEnumerable<string> breaches =
            from inner in Files
            from outer in Files
            where inner.Floor.StartsWith(outer.Floor + ".", StringComparison.Ordinal) && HeightOf(outer.Floor) > HeightOf(inner.Floor)
            from type in outer.Types
            where Regex.IsMatch(inner.Code, $@"(?<![.\w]){type}\b")
            select $"{inner.Path} names {type} of {outer.Floor}";
        Assert.Empty(breaches);
    }

    [Fact]
    public void Upstream_connections_of_the_framework_are_named_by_the_host_only() =>
        Assert.Empty(Files.Where(file => file.Floor != "Upstream.Managed" && file.Names.Contains("Upstream.Managed")).Select(file => file.Path));

    private static int HeightOf(string floor) => Array.IndexOf(Floors, floor);

    private static IEnumerable<CoreFile> ReadFiles([CallerFilePath] string here = "")
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../src/Proxy.Core"));
        foreach (string path in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(root, path);
            if (relative.StartsWith("obj", StringComparison.Ordinal) || relative.StartsWith("bin", StringComparison.Ordinal))
            {
                continue;
            }

            string text = File.ReadAllText(path);
            yield return new CoreFile(
                relative,
                Namespace().Match(text).Groups[1].Value,
                Comments().Replace(text, ""),
                [.. Usings().Matches(text).Select(match => match.Groups[1].Value)],
                [.. Declarations().Matches(text).Select(match => match.Groups[1].Value)]);
        }
    }

    [GeneratedRegex(@"^namespace Proxy\.Core\.([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using Proxy\.Core\.([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Usings();

    [GeneratedRegex(@"^(?:public|internal) (?:[a-z]+ )*(?:class|struct|record|enum|interface) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declarations();

    [GeneratedRegex(@"//.*$", RegexOptions.Multiline)]
    private static partial Regex Comments();

    private sealed record CoreFile(string Path, string Floor, string Code, IReadOnlyList<string> Names, IReadOnlyList<string> Types);
}
