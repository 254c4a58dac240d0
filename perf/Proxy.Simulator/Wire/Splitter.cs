using Proxy.Simulator.Scripting;

namespace Proxy.Simulator.Wire;

/// <summary>Finds where the next piece of a frame ends, for scripts that want chunk boundaries in odd places.</summary>
internal static class Splitter
{
    public static int NextLength(ReadOnlySpan<byte> rest, SimScript script)
    {
        int length = script.Split switch
        {
            SimSplit.Byte => 1,
            SimSplit.Utf8 => InsideCharacter(rest),
            SimSplit.Usage => InsideUsage(rest),
            _ => rest.Length,
        };
        return script.TrickleBytes > 0 ? Math.Min(length, script.TrickleBytes) : length;
    }

    /// <summary>After the first byte of a character of several bytes.</summary>
    private static int InsideCharacter(ReadOnlySpan<byte> rest)
    {
        // Continuation bytes at the start are the rest of the character that the previous piece broke.
        int start = 0;
        while (start < rest.Length && (rest[start] & 0xc0) == 0x80)
        {
            start++;
        }

        int lead = rest[start..].IndexOfAnyInRange((byte)0xc2, (byte)0xf4);
        return lead < 0 ? rest.Length : start + lead + 1;
    }

    /// <summary>Inside the word "usage", and inside the numbers of its fields.</summary>
    private static int InsideUsage(ReadOnlySpan<byte> rest)
    {
        int word = rest.IndexOf("\"usage\""u8);
        int number = rest.IndexOf("_tokens\":"u8);
        int afterWord = word < 0 ? rest.Length : word + 3;
        int afterDigit = number < 0 ? rest.Length : Math.Min(rest.Length, number + 10);
        return Math.Min(afterWord, afterDigit);
    }
}
