using System.Collections.Concurrent;
using System.Text;

namespace Proxy.Simulator.Api;

/// <summary>The words of an answer: deterministic, of an exact length, with characters of all lengths and ones JSON escapes.</summary>
internal static class AnswerText
{
    public const string ToolDone = "The tool has answered: sim-tool-done. ";
    private const string Alphabet = "The simulator says “grüß dich” — naïve façade, 中文, 🚀 and \"quotes\", a\ttab.\n";
    private static readonly Rune[] Runes = [.. Alphabet.EnumerateRunes()];

    // Load runs ask for the same text over and over; the few shapes they use are kept.
    private static readonly ConcurrentDictionary<(int, int), string[]> Cache = new();

    public static string[] Pieces(string opening, int bytes, int pieces)
    {
        if (opening.Length > 0)
        {
            return Split(opening, bytes, pieces);
        }

        if (Cache.TryGetValue((bytes, pieces), out string[]? cached))
        {
            return cached;
        }

        string[] made = Split("", bytes, pieces);
        if (bytes <= 1 << 20 && Cache.Count < 64)
        {
            Cache[(bytes, pieces)] = made;
        }

        return made;
    }

    /// <summary>Text of <paramref name="bytes"/> UTF-8 bytes (more only if the opening is longer) in about equal pieces.</summary>
    private static string[] Split(string opening, int bytes, int pieces)
    {
        if (pieces == 0)
        {
            return [];
        }

        string[] result = new string[pieces];
        long left = Math.Max(0, bytes - Encoding.UTF8.GetByteCount(opening));
        StringBuilder piece = new(opening);
        int at = 0;
        for (int i = 0; i < pieces; i++)
        {
            long share = left / (pieces - i);
            left -= share;
            while (share > 0)
            {
                Rune rune = Runes[at];
                at = at + 1 == Runes.Length ? 0 : at + 1;
                if (rune.Utf8SequenceLength > share)
                {
                    rune = new Rune('.');
                }

                piece.Append(rune.ToString());
                share -= rune.Utf8SequenceLength;
            }

            result[i] = piece.ToString();
            piece.Clear();
        }

        return result;
    }
}
