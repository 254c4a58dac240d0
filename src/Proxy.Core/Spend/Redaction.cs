namespace Proxy.Core.Spend;

/// <summary>Keeps keys that a client put where a name belongs out of what is written down. Pure; never allocates.</summary>
internal static class Redaction
{
    private static ReadOnlySpan<byte> KeyStart => "sk-"u8;

    /// <summary>The text as it is, or <c>redacted</c> when a word in it begins like a key, of ours or of Anthropic's.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> text)
    {
        int from = 0;
        while (text[from..].IndexOf(KeyStart) is int at and >= 0)
        {
            at += from;
            if (at == 0 || !char.IsAsciiLetterOrDigit((char)text[at - 1]))
            {
                return "redacted"u8;
            }

            from = at + 1;
        }

        return text;
    }
}
