using System.Globalization;
using System.Text;

namespace Proxy.Host.Cli;

/// <summary>Rows for people (aligned) or for spreadsheets (CSV, RFC 4180).</summary>
internal sealed class Table(params IReadOnlyList<string> columns)
{
    private readonly List<string[]> _rows = [];
    private readonly HashSet<int> _numbers = [];

    /// <summary>Columns that hold numbers stand to the right.</summary>
    public Table Numbers(params ReadOnlySpan<int> numbers)
    {
        foreach (int column in numbers)
        {
            _numbers.Add(column);
        }

        return this;
    }

    public void Add(params string[] cells) => _rows.Add(cells);

    public async Task WriteAsync(TextWriter output)
    {
        int[] widths = [.. columns.Select((column, i) => _rows.Select(row => row[i].Length).Append(column.Length).Max())];
        foreach (IReadOnlyList<string> row in _rows.Prepend([.. columns]))
        {
            StringBuilder line = new();
            for (int i = 0; i < columns.Count; i++)
            {
                line.Append(i == 0 ? "" : "  ").Append(_numbers.Contains(i) ? row[i].PadLeft(widths[i]) : row[i].PadRight(widths[i]));
            }

            await output.WriteLineAsync(line.ToString().TrimEnd());
        }
    }

    public async Task WriteCsvAsync(TextWriter output)
    {
        foreach (IReadOnlyList<string> row in _rows.Prepend([.. columns]))
        {
            await output.WriteAsync(string.Join(',', row.Select(Quote)) + "\r\n");
        }
    }

    /// <summary>Dollars with cents, and as many digits more as a small amount needs.</summary>
    public static string Usd(decimal amount) =>
        amount.ToString(amount == 0 || amount >= 0.01m ? "0.00" : "0.00#######", CultureInfo.InvariantCulture);

    // A cell that a spreadsheet would take for a formula is made text.
    private static string Quote(string cell)
    {
        string safe = cell.Length > 0 && cell[0] is '=' or '+' or '-' or '@' && !decimal.TryParse(cell, CultureInfo.InvariantCulture, out _) ? "'" + cell : cell;
        return safe.AsSpan().IndexOfAny(",\"\r\n") < 0 ? safe : $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
