using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace Proxy.Core.Spend;

/// <summary>
/// The words that stand for an enum's values in the ledger, in snake case. Words and not numbers, so that the database can be read without
/// this source and a renumbered enum cannot change the meaning of old rows.
/// </summary>
[SuppressMessage("Design", "CA1000", Justification = "one table of words for each enum is what it is for")]
public static class EnumNames<T>
    where T : struct, Enum
{
    private static readonly byte[][] Words = MakeWords();
    private static readonly Dictionary<string, T> Values = MakeValues();

    /// <summary>The word as UTF-8; never allocates. A value without a name has none.</summary>
    public static ReadOnlySpan<byte> Utf8(T value)
    {
        int index = Unsafe.BitCast<T, byte>(value);
        return index < Words.Length ? Words[index] : default;
    }

    /// <summary>All words, in the order of their numbers, separated by commas.</summary>
    public static string All { get; } = string.Join(',', Array.ConvertAll(Words, Encoding.UTF8.GetString));

    public static byte NumberOf(T value) => Unsafe.BitCast<T, byte>(value);

    /// <summary>The value of a number; the default for one that no value has.</summary>
    public static T Of(byte number) => number < Words.Length ? Unsafe.BitCast<byte, T>(number) : default;

    public static string Text(T value) => Encoding.UTF8.GetString(Utf8(value));

    /// <summary>A word that this build does not know (a newer one wrote it) reads as the default.</summary>
    public static T Parse(string? word) => word is not null && Values.TryGetValue(word, out T value) ? value : default;

    /// <summary>False for a word that this build does not know.</summary>
    public static bool TryParse(string word, out T value) => Values.TryGetValue(word, out value);

    private static byte[][] MakeWords()
    {
        T[] values = Enum.GetValues<T>();
        byte[][] words = new byte[Unsafe.BitCast<T, byte>(values[^1]) + 1][];
        Array.Fill(words, []);
        foreach (T value in values)
        {
            words[Unsafe.BitCast<T, byte>(value)] = Encoding.UTF8.GetBytes(Snake(value.ToString()));
        }

        return words;
    }

    private static Dictionary<string, T> MakeValues()
    {
        Dictionary<string, T> values = new(StringComparer.Ordinal);
        foreach (T value in Enum.GetValues<T>())
        {
            values[Snake(value.ToString())] = value;
        }

        return values;
    }

    // CountTokens → count_tokens, but OAuth → oauth: an underscore only where a small letter meets a capital.
    private static string Snake(string name)
    {
        StringBuilder text = new(name.Length + 4);
        for (int i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsAsciiLetterUpper(name[i]) && !char.IsAsciiLetterUpper(name[i - 1]))
            {
                text.Append('_');
            }

            text.Append(char.ToLowerInvariant(name[i]));
        }

        return text.ToString();
    }
}
