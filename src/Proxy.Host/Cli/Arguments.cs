using Proxy.Host.Configuration;

namespace Proxy.Host.Cli;

/// <summary>The words and options of one command line: <c>--name value</c>, <c>--name=value</c>, and switches without a value.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, List<string>> _options = new(StringComparer.Ordinal);

    private Arguments(List<string> words) => Words = words;

    public IReadOnlyList<string> Words { get; }

    /// <exception cref="UsageException">An option is unknown, or has no value.</exception>
    public static Arguments Parse(IReadOnlyList<string> args, IReadOnlySet<string> withValue, IReadOnlySet<string> switches)
    {
        List<string> words = [];
        Arguments parsed = new(words);
        for (int i = 0; i < args.Count; i++)
        {
            string arg = args[i];
            if (!arg.StartsWith("--", StringComparison.Ordinal))
            {
                words.Add(arg);
                continue;
            }

            int equals = arg.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? arg[2..] : arg[2..equals];
            if (switches.Contains(name) && equals < 0)
            {
                parsed._options[name] = ["true"];
                continue;
            }

            if (!withValue.Contains(name))
            {
                string? nearest = Suggestions.Nearest(name, withValue.Concat(switches));
                throw new UsageException(nearest is null ? $"unknown option --{name}" : $"unknown option --{name}; did you mean --{nearest}?");
            }

            if (equals < 0 && i + 1 == args.Count)
            {
                throw new UsageException($"--{name} needs a value");
            }

            string value = equals < 0 ? args[++i] : arg[(equals + 1)..];
            (parsed._options.TryGetValue(name, out List<string>? values) ? values : parsed._options[name] = []).Add(value);
        }

        return parsed;
    }

    public string? Find(string name) => _options.TryGetValue(name, out List<string>? values) ? values[^1] : null;

    public IReadOnlyList<string> All(string name) => _options.TryGetValue(name, out List<string>? values) ? values : [];

    public bool Has(string name) => _options.ContainsKey(name);

    /// <exception cref="UsageException">There is no such word, or one too many.</exception>
    public string Only(int index, string what) =>
        Words.Count == index + 1 ? Words[index] : throw new UsageException(Words.Count <= index ? $"{what} is missing" : $"one {what} at a time");

    public void NoMore(int count)
    {
        if (Words.Count > count)
        {
            throw new UsageException($"{Words[count]} is one word too many");
        }
    }
}
