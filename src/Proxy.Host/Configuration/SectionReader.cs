using System.Globalization;

namespace Proxy.Host.Configuration;

/// <summary>
/// Reads one object of the configuration key by key, notes which keys exist, and collects what is wrong instead of stopping at it.
/// Not the configuration binder: that ignores unknown keys and cannot say what a good value looks like.
/// </summary>
internal sealed class SectionReader(IConfiguration section, string path, List<string> problems)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    public string PathOf(string name) => path.Length == 0 ? name : $"{path}.{name}";

    public void Problem(string name, string message) => problems.Add($"{PathOf(name)}: {message}");

    public string? Text(string name)
    {
        _known.Add(name);
        IConfigurationSection value = section.GetSection(name);
        if (value.GetChildren().Any())
        {
            Problem(name, "must be a single value, not an object or a list");
            return null;
        }

        return string.IsNullOrEmpty(value.Value) ? null : value.Value;
    }

    public bool? Flag(string name)
    {
        string? text = Text(name);
        if (text is null)
        {
            return null;
        }

        if (bool.TryParse(text, out bool value))
        {
            return value;
        }

        Problem(name, "must be true or false");
        return null;
    }

    public long Number(string name, long fallback, long least, long most)
    {
        string? text = Text(name);
        if (text is null)
        {
            return fallback;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most)
        {
            return value;
        }

        Problem(name, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {least} to {most}"));
        return fallback;
    }

    public decimal Money(string name, decimal fallback)
    {
        string? text = Text(name);
        if (text is null)
        {
            return fallback;
        }

        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value <= 1_000_000m)
        {
            return value;
        }

        Problem(name, "must be an amount in USD per million tokens, for example 5 or 0.25");
        return fallback;
    }

    public TimeSpan Seconds(string name, TimeSpan fallback, double most = 86400)
    {
        string? text = Text(name);
        if (text is null)
        {
            return fallback;
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value > 0 && value <= most)
        {
            return TimeSpan.FromSeconds(value);
        }

        Problem(name, string.Create(CultureInfo.InvariantCulture, $"must be a number of seconds above 0 and up to {most}"));
        return fallback;
    }

    public SectionReader Section(string name)
    {
        _known.Add(name);
        IConfigurationSection child = section.GetSection(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            Problem(name, "must be an object: { … }");
        }

        return new SectionReader(child, PathOf(name), problems);
    }

    /// <summary>The objects of a list; null when the key is absent.</summary>
    public IReadOnlyList<SectionReader>? Sections(string name)
    {
        List<SectionReader>? readers = null;
        foreach (IConfigurationSection child in Children(name) ?? [])
        {
            if (child.Value is { Length: > 0 })
            {
                problems.Add($"{PathOf(name)}[{child.Key}]: must be an object: {{ … }}");
                continue;
            }

            (readers ??= []).Add(new SectionReader(child, $"{PathOf(name)}[{child.Key}]", problems));
        }

        return readers;
    }

    /// <summary>The values of a list; null when the key is absent.</summary>
    public IReadOnlyList<string>? Texts(string name)
    {
        List<string>? texts = null;
        foreach (IConfigurationSection child in Children(name) ?? [])
        {
            if (child.Value is { Length: > 0 } text)
            {
                (texts ??= []).Add(text);
            }
            else
            {
                problems.Add($"{PathOf(name)}[{child.Key}]: must be a text");
            }
        }

        return texts;
    }

    /// <summary>Names the keys that nobody asked for. Call last.</summary>
    public void Finish()
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!_known.Contains(child.Key))
            {
                string? nearest = Suggestions.Nearest(child.Key, _known);
                Problem(child.Key, nearest is null
                    ? $"is not a key here; known are {string.Join(", ", _known)}"
                    : $"is not a key here; did you mean {PathOf(nearest)}?");
            }
        }
    }

    private IEnumerable<IConfigurationSection>? Children(string name)
    {
        _known.Add(name);
        IConfigurationSection list = section.GetSection(name);
        if (list.Value is { Length: > 0 })
        {
            Problem(name, "must be a list: [ … ]");
            return null;
        }

        return list.GetChildren();
    }
}
