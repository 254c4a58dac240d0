using System.Globalization;
using System.Text;

namespace Proxy.Host.Telemetry;

/// <summary>Writes metrics in Prometheus's text format, version 0.0.4. One instance a scrape.</summary>
internal sealed class MetricsText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    public MetricsText Gauge(string name, string help) => Describe(name, help, "gauge");

    public MetricsText Counter(string name, string help) => Describe(name, help, "counter");

    public MetricsText Value(string name, decimal value, params ReadOnlySpan<(string Label, string Text)> labels)
    {
        _text.Append(name);
        for (int i = 0; i < labels.Length; i++)
        {
            _text.Append(i == 0 ? '{' : ',').Append(labels[i].Label).Append("=\"");
            Escape(labels[i].Text);
            _text.Append('"');
        }

        _text.Append(labels.IsEmpty ? " " : "} ").Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
        return this;
    }

    public override string ToString() => _text.ToString();

    private MetricsText Describe(string name, string help, string type)
    {
        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        return this;
    }

    private void Escape(string text)
    {
        foreach (char next in text)
        {
            _ = next switch
            {
                '\\' => _text.Append("\\\\"),
                '"' => _text.Append("\\\""),
                '\n' => _text.Append("\\n"),
                _ => _text.Append(next),
            };
        }
    }
}
