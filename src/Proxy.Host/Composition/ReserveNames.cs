using Proxy.Core.Admission;

namespace Proxy.Host.Composition;

/// <summary>The words of <c>reserve</c>: what a budget sets aside for requests under way.</summary>
internal static class ReserveNames
{
    public const string All = "learned or worstCase";

    public static bool TryParse(string? word, out ReserveMode mode)
    {
        mode = word == "worstCase" ? ReserveMode.WorstCase : ReserveMode.Learned;
        return word is "learned" or "worstCase";
    }

    /// <summary>A word that only an editor of the database can have written is taken for the stricter one.</summary>
    public static ReserveMode Of(string? word, ReserveMode fallback) =>
        word is null ? fallback : TryParse(word, out ReserveMode mode) ? mode : ReserveMode.WorstCase;
}
