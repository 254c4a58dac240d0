using System.Text;

namespace Proxy.Host.Import;

/// <summary>Reads CSV as PostgreSQL's COPY and the usual tools write it (RFC 4180): cells may be quoted and hold line breaks.</summary>
internal static class Csv
{
    public static IEnumerable<IReadOnlyList<string>> Read(string text)
    {
        List<string> row = [];
        StringBuilder cell = new();
        bool quoted = false;
        bool any = false;
        for (int i = text.StartsWith('\uFEFF') ? 1 : 0; i < text.Length; i++)
        {
            char next = text[i];
            if (quoted)
            {
                if (next != '"')
                {
                    cell.Append(next);
                }
                else if (i + 1 < text.Length && text[i + 1] == '"')
                {
                    cell.Append('"');
                    i++;
                }
                else
                {
                    quoted = false;
                }

                continue;
            }

            switch (next)
            {
                case '"':
                    quoted = true;
                    any = true;
                    break;
                case ',':
                    row.Add(cell.ToString());
                    cell.Clear();
                    any = true;
                    break;
                case '\r':
                    break;
                case '\n':
                    if (any || cell.Length > 0)
                    {
                        row.Add(cell.ToString());
                        yield return row;
                    }

                    row = [];
                    cell.Clear();
                    any = false;
                    break;
                default:
                    cell.Append(next);
                    any = true;
                    break;
            }
        }

        if (any || cell.Length > 0)
        {
            row.Add(cell.ToString());
            yield return row;
        }
    }
}
