using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// The categories (<c>stop_details.category</c>) of refusals that cost nothing when they come before any output. Immutable.
/// </summary>
/// <param name="categories">Null for all of them, refusals without a category included.</param>
public sealed class FreeRefusals(IReadOnlyCollection<string>? categories = null)
{
    // What the API counts for an answer that holds nothing (anthropic-api.md §5 rule 4).
    private const long MostTokensOfNothing = 1;

    private readonly byte[][]? _categories = categories is null
        ? null
        : Array.ConvertAll([.. categories], System.Text.Encoding.UTF8.GetBytes);

    public static FreeRefusals All { get; } = new();

    public bool Contains(ReadOnlySpan<byte> category)
    {
        if (_categories is null)
        {
            return true;
        }

        foreach (byte[] one in _categories)
        {
            if (category.SequenceEqual(one))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Marks what of a record that was just reported costs nothing: the answer itself, and each attempt among its iterations that was
    /// declined, which shows in its own stop reason, in a fallback that follows it, or in being the last of an answer that was refused.
    /// </summary>
    /// <param name="hasOutput">The answer holds something that the model put out.</param>
    internal void Mark(SpendRecord record, UsagePart part, bool hasOutput)
    {
        bool isFree = Contains(part.RefusalCategory.Bytes);
        bool isRefused = isFree && part.IsRefusal && !hasOutput && record.Usage.OutputTokens <= MostTokensOfNothing;
        bool isAnyFree = isRefused;
        for (int i = 0; i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            bool isAttempt = iteration.Kind is IterationKind.Message or IterationKind.FallbackMessage;
            bool isFollowed = i + 1 < record.IterationCount && record.Iteration(i + 1).Kind == IterationKind.FallbackMessage;
            bool isDeclined = iteration.IsFree || (isAttempt && (isFollowed || isRefused));
            iteration.IsFree = isFree && isDeclined && iteration.Usage.OutputTokens <= MostTokensOfNothing;
            isAnyFree |= iteration.IsFree;
        }

        record.Flags = isAnyFree ? record.Flags | SpendFlags.RefusedFree : record.Flags & ~SpendFlags.RefusedFree;
    }
}
