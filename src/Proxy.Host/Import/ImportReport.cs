namespace Proxy.Host.Import;

/// <summary>What an import did, or would do: a line each.</summary>
internal sealed class ImportReport
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines => _lines;

    public int Added { get; private set; }

    public int Updated { get; private set; }

    public int Unchanged { get; private set; }

    /// <summary>Rows of ours that were edited here since: left alone.</summary>
    public int Kept { get; private set; }

    public int Broken { get; private set; }

    public string Summary => $"{Added} added, {Updated} updated, {Unchanged} unchanged, {Kept} kept as edited here, {Broken} not importable";

    public void Add(string what)
    {
        Added++;
        _lines.Add($"add {what}");
    }

    public void Update(string what)
    {
        Updated++;
        _lines.Add($"update {what}");
    }

    public void Same() => Unchanged++;

    public void Keep(string what)
    {
        Kept++;
        _lines.Add($"keep {what}: it was changed here since it was imported");
    }

    public void Break(string problem)
    {
        Broken++;
        _lines.Add($"skip {problem}");
    }

    public void Note(string note) => _lines.Add($"note {note}");
}
